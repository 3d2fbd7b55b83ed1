/* Files and directories, which can be read only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *path) {
  char line[100];
  FILE *file = fopen(path, "r");
  if (!file) {
    printf("%s: %s\n", path, strerror(errno));
    return;
  }
  struct stat status;
  fstat(fileno(file), &status);
  printf("%s: ", path);
  if (S_ISREG(status.st_mode)) printf("file, %d bytes\n", (int)status.st_size);
  while (fgets(line, sizeof line, file)) printf("  | %s", line);
  fseek(file, -3, SEEK_END);
  printf("  last: %s, at %ld\n", fgets(line, sizeof line, file), ftell(file));
  rewind(file);
  printf("  first: %c\n", getc(file));
  fclose(file);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void list(const char *path) {
  char *names[20];
  int n = 0;
  DIR *folder = opendir(path);
  if (!folder) {
    printf("%s: %s\n", path, strerror(errno));
    return;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    names[n] = malloc(40);
    sprintf(names[n++], "%s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
  }
  closedir(folder);
  qsort(names, n, sizeof *names, by_name);
  printf("%s:", path);
  for (int i = 0; i < n; i++) printf(" %s", names[i]);
  printf("\n");
}

static void refused(const char *what, int failed) {
  printf("%s: %s\n", what, failed ? strerror(errno) : "done");
}

int main(void) {
  const char *paths[] = {"a.txt", "/a.txt", "./dir/../a.txt", "dir/deep/b.txt", "dir//b.txt",
                         "missing", "a.txt/", "a.txt/x", "dir/missing", "../a.txt", ""};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) show(paths[i]);
  list("/"), list("dir"), list("dir/deep/"), list("a.txt"), list("missing");
  struct stat status;
  refused("stat dir", stat("dir", &status));
  printf("%s\n", S_ISDIR(status.st_mode) ? "directory" : "?");
  refused("stat missing", stat("missing", &status));
  refused("access", access("a.txt", R_OK));
  refused("write", open("a.txt", O_WRONLY) < 0);
  refused("create", open("new", O_CREAT | O_WRONLY, 0666) < 0);
  refused("create what is there", open("a.txt", O_CREAT | O_EXCL | O_RDWR, 0666) < 0);
  refused("truncate", open("a.txt", O_TRUNC | O_RDWR) < 0);
  refused("directory", open("a.txt", O_RDONLY | O_DIRECTORY) < 0);
  refused("mkdir", mkdir("new", 0777));
  refused("unlink", unlink("a.txt"));
  refused("rmdir", rmdir("dir"));
  refused("rename", rename("a.txt", "c.txt"));
  refused("link", link("a.txt", "c.txt"));
  refused("symlink", symlink("a.txt", "c.txt"));
  char name[20];
  refused("readlink", readlink("a.txt", name, sizeof name) < 0);
  int fd = open("a.txt", O_RDONLY);
  printf("descriptor %d\n", fd);
  refused("write to it", write(fd, "x", 1) < 0);
  refused("truncate it", ftruncate(fd, 1));
  refused("seek before it", lseek(fd, -1, SEEK_SET) < 0);
  refused("seek beyond it", lseek(fd, 1000, SEEK_CUR) < 0);
  printf("read %d\n", (int)read(fd, name, sizeof name));
  printf("read at 2: %d\n", (int)pread(fd, name, 3, 2));
  printf("%.3s\n", name);
  refused("close", close(fd));
  refused("close again", close(fd));
  refused("seek standard output", lseek(1, 0, SEEK_CUR) < 0);
  refused("read standard output", read(1, name, 1) < 0);
  refused("write standard input", write(0, name, 1) < 0);
  refused("close standard error", close(2));
  refused("write there", write(2, "x", 1) < 0);
  printf("descriptor %d\n", open("a.txt", O_RDONLY));
}
