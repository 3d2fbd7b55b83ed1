/* What each function of WASI answers, as numbers: arguments that are right, wrong and at a border. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

static unsigned char buffer[256];
static __wasi_size_t word;
static uint64_t wide;

static void line(const char *what, int error) { printf("%s: %d\n", what, error); }
#define TRY(call) line(#call, call)

static void fdstat(int fd) {
  __wasi_fdstat_t s;
  memset(&s, 0xAA, sizeof s);
  int error = __wasi_fd_fdstat_get(fd, &s);
  printf("fdstat %d: %d", fd, error);
  if (!error)
    printf(" type %d flags %d rights %llx %llx", s.fs_filetype, s.fs_flags,
           (unsigned long long)s.fs_rights_base, (unsigned long long)s.fs_rights_inheriting);
  printf("\n");
}
static void filestat(int fd) {
  __wasi_filestat_t s;
  int error = __wasi_fd_filestat_get(fd, &s);
  printf("filestat %d: %d", fd, error);
  if (!error) printf(" type %d", s.filetype);
  if (!error && s.filetype == 4) printf(" size %d links %d", (int)s.size, (int)s.nlink);
  printf("\n");
}
static int open_(int fd, const char *path, int how, uint64_t rights, int flags) {
  __wasi_fd_t opened = 99;
  int error = __wasi_path_open(fd, 0, path, how, rights, 0, flags, &opened);
  printf("open %d %s %d %llx %d: %d", fd, path, how, (unsigned long long)rights, flags, error);
  if (!error) printf(" -> %d", (int)opened);
  printf("\n");
  return error ? -1 : (int)opened;
}

int main(void) {
  __wasi_iovec_t to = {buffer, 5}, none = {buffer, 0};
  __wasi_ciovec_t from = {(const uint8_t *)"", 0};
  __wasi_prestat_t prestat;
  __wasi_filestat_t stat;
  for (int fd = 0; fd < 6; fd++) fdstat(fd), filestat(fd);
  TRY(__wasi_fd_prestat_get(0, &prestat));
  TRY(__wasi_fd_prestat_get(3, &prestat));
  TRY(__wasi_fd_prestat_get(4, &prestat));
  TRY(__wasi_fd_prestat_dir_name(3, buffer, 0));
  TRY(__wasi_fd_prestat_dir_name(3, buffer, 1));
  TRY(__wasi_fd_prestat_dir_name(3, buffer, 9));
  TRY(__wasi_fd_prestat_dir_name(1, buffer, 9));
  TRY(__wasi_fd_prestat_dir_name(9, buffer, 9));
  int a = open_(3, "a.txt", 0, 2, 0), b = open_(3, "dir", 0, 2, 0), c = open_(3, "dir", 2, 2, 4);
  int d = open_(b, "b.txt", 0, 2, 4);
  open_(3, "dir", 0, 66, 0), open_(3, "a.txt", 0, 64, 0), open_(3, "a.txt", 0, 66, 1);
  open_(3, "dir", 1, 2, 0), open_(3, "dir", 3, 2, 0), open_(3, "dir", 8, 2, 0);
  open_(3, "missing", 0, 64, 0), open_(3, "missing", 2, 2, 0), open_(3, "missing", 4, 2, 0);
  open_(3, "missing/x", 1, 2, 0), open_(3, "a.txt/x", 1, 2, 0), open_(3, "a.txt", 5, 2, 0);
  open_(3, "", 0, 2, 0), open_(3, "/a.txt", 0, 2, 0), open_(3, ".", 0, 2, 0), open_(3, "..", 0, 2, 0);
  open_(b, "../a.txt", 0, 2, 0), open_(b, "deep/../b.txt", 0, 2, 0), open_(b, "missing/../b.txt", 0, 2, 0);
  open_(3, "a.txt/", 0, 2, 0), open_(3, "a.txt/.", 0, 2, 0), open_(3, "a.txt/..", 0, 2, 0);
  open_(3, "dir/", 0, 2, 0), open_(3, "dir/.", 0, 2, 0), open_(3, "dir/..", 0, 2, 0);
  open_(3, "a.txt", 2, 2, 0), open_(a, "a.txt", 0, 2, 0), open_(1, "a.txt", 0, 2, 0), open_(99, "a.txt", 0, 2, 0);
  open_(3, "A.TXT", 0, 2, 0), open_(3, "a.tx", 0, 2, 0), open_(3, "a.txtx", 0, 2, 0);
  open_(3, "a.txt", 0, 0, 0), open_(3, "a.txt", 0, 0x1fffffff, 0), open_(3, "a.txt", 0, 2, 31);
  printf("%d %d %d %d\n", a, b, c, d);
  for (int fd = 3; fd < 9; fd++) fdstat(fd), filestat(fd);
  TRY(__wasi_fd_read(a, &to, 1, &word));
  printf("%d %.5s\n", (int)word, buffer);
  TRY(__wasi_fd_tell(a, &wide));
  TRY(__wasi_fd_seek(a, 3, 0, &wide));
  TRY(__wasi_fd_seek(a, -4, 1, &wide));
  TRY(__wasi_fd_seek(a, -1, 2, &wide));
  printf("%lld\n", (long long)wide);
  TRY(__wasi_fd_seek(a, 1ll << 40, 0, &wide));
  printf("%lld\n", (long long)wide);
  TRY(__wasi_fd_read(a, &to, 1, &word));
  TRY(__wasi_fd_seek(b, 0, 0, &wide));
  TRY(__wasi_fd_seek(0, 0, 0, &wide));
  TRY(__wasi_fd_seek(1, 0, 1, &wide));
  TRY(__wasi_fd_seek(99, 0, 0, &wide));
  TRY(__wasi_fd_tell(b, &wide));
  TRY(__wasi_fd_tell(1, &wide));
  TRY(__wasi_fd_pread(a, &to, 1, 2, &word));
  TRY(__wasi_fd_pread(a, &none, 1, 2, &word));
  TRY(__wasi_fd_pread(a, &to, 1, 1ull << 40, &word));
  TRY(__wasi_fd_pread(b, &to, 1, 2, &word));
  TRY(__wasi_fd_pread(0, &to, 1, 2, &word));
  TRY(__wasi_fd_pread(1, &to, 1, 2, &word));
  TRY(__wasi_fd_pread(99, &to, 1, 2, &word));
  TRY(__wasi_fd_read(b, &to, 1, &word));
  TRY(__wasi_fd_read(1, &to, 1, &word));
  TRY(__wasi_fd_read(99, &to, 1, &word));
  TRY(__wasi_fd_read(0, &to, 0, &word));
  TRY(__wasi_fd_write(0, &from, 1, &word));
  TRY(__wasi_fd_write(a, &from, 1, &word));
  TRY(__wasi_fd_write(b, &from, 1, &word));
  TRY(__wasi_fd_write(99, &from, 1, &word));
  TRY(__wasi_fd_write(1, &from, 0, &word));
  TRY(__wasi_fd_pwrite(a, &from, 1, 0, &word));
  TRY(__wasi_fd_pwrite(b, &from, 1, 0, &word));
  TRY(__wasi_fd_pwrite(0, &from, 1, 0, &word));
  TRY(__wasi_fd_pwrite(1, &from, 1, 0, &word));
  TRY(__wasi_fd_pwrite(99, &from, 1, 0, &word));
  TRY(__wasi_fd_advise(a, 0, 1, 0));
  TRY(__wasi_fd_advise(b, 0, 1, 0));
  TRY(__wasi_fd_advise(1, 0, 1, 0));
  TRY(__wasi_fd_advise(99, 0, 1, 0));
  TRY(__wasi_fd_allocate(a, 0, 1));
  TRY(__wasi_fd_allocate(b, 0, 1));
  TRY(__wasi_fd_allocate(1, 0, 1));
  TRY(__wasi_fd_sync(a));
  TRY(__wasi_fd_sync(b));
  TRY(__wasi_fd_sync(1));
  TRY(__wasi_fd_sync(99));
  TRY(__wasi_fd_datasync(a));
  TRY(__wasi_fd_datasync(b));
  TRY(__wasi_fd_datasync(1));
  TRY(__wasi_fd_fdstat_set_flags(a, 0));
  TRY(__wasi_fd_fdstat_set_flags(a, 1));
  TRY(__wasi_fd_fdstat_set_flags(a, 4));
  TRY(__wasi_fd_fdstat_set_flags(a, 8));
  TRY(__wasi_fd_fdstat_set_flags(b, 0));
  TRY(__wasi_fd_fdstat_set_flags(1, 0));
  TRY(__wasi_fd_fdstat_set_flags(1, 4));
  TRY(__wasi_fd_fdstat_set_flags(99, 0));
  fdstat(a);
  TRY(__wasi_fd_fdstat_set_rights(a, 0, 0));
  TRY(__wasi_fd_fdstat_set_rights(1, 0, 0));
  TRY(__wasi_fd_fdstat_set_rights(99, 0, 0));
  TRY(__wasi_fd_filestat_set_size(a, 0));
  TRY(__wasi_fd_filestat_set_size(b, 0));
  TRY(__wasi_fd_filestat_set_size(1, 0));
  TRY(__wasi_fd_filestat_set_times(a, 0, 0, 0));
  TRY(__wasi_fd_filestat_set_times(a, 0, 0, 2));
  TRY(__wasi_fd_filestat_set_times(a, 0, 0, 3));
  TRY(__wasi_fd_filestat_set_times(b, 0, 0, 2));
  TRY(__wasi_fd_filestat_set_times(1, 0, 0, 2));
  TRY(__wasi_path_filestat_get(3, 0, "a.txt", &stat));
  printf("type %d size %d\n", stat.filetype, (int)stat.size);
  TRY(__wasi_path_filestat_get(3, 1, "dir", &stat));
  printf("type %d\n", stat.filetype);
  TRY(__wasi_path_filestat_get(3, 0, "missing", &stat));
  TRY(__wasi_path_filestat_get(3, 0, "", &stat));
  TRY(__wasi_path_filestat_get(a, 0, "x", &stat));
  TRY(__wasi_path_filestat_get(1, 0, "x", &stat));
  TRY(__wasi_path_filestat_get(99, 0, "x", &stat));
  TRY(__wasi_path_filestat_set_times(3, 0, "a.txt", 0, 0, 2));
  TRY(__wasi_path_filestat_set_times(3, 0, "missing", 0, 0, 2));
  TRY(__wasi_path_filestat_set_times(1, 0, "a.txt", 0, 0, 2));
  TRY(__wasi_path_create_directory(3, "new"));
  TRY(__wasi_path_create_directory(3, "dir"));
  TRY(__wasi_path_create_directory(3, ""));
  TRY(__wasi_path_create_directory(a, "new"));
  TRY(__wasi_path_create_directory(1, "new"));
  TRY(__wasi_path_create_directory(99, "new"));
  TRY(__wasi_path_remove_directory(3, "dir"));
  TRY(__wasi_path_remove_directory(3, "missing"));
  TRY(__wasi_path_remove_directory(1, "dir"));
  TRY(__wasi_path_unlink_file(3, "a.txt"));
  TRY(__wasi_path_unlink_file(3, "missing"));
  TRY(__wasi_path_unlink_file(1, "a.txt"));
  TRY(__wasi_path_rename(3, "a.txt", 3, "c.txt"));
  TRY(__wasi_path_rename(3, "missing", 3, "c.txt"));
  TRY(__wasi_path_rename(1, "a.txt", 3, "c.txt"));
  TRY(__wasi_path_rename(3, "a.txt", 1, "c.txt"));
  TRY(__wasi_path_link(3, 0, "a.txt", 3, "c.txt"));
  TRY(__wasi_path_link(3, 0, "a.txt", 1, "c.txt"));
  TRY(__wasi_path_link(1, 0, "a.txt", 3, "c.txt"));
  TRY(__wasi_path_symlink("a.txt", 3, "c.txt"));
  TRY(__wasi_path_symlink("a.txt", 1, "c.txt"));
  TRY(__wasi_path_readlink(3, "a.txt", buffer, 20, &word));
  TRY(__wasi_path_readlink(3, "dir", buffer, 20, &word));
  TRY(__wasi_path_readlink(3, "missing", buffer, 20, &word));
  TRY(__wasi_path_readlink(1, "missing", buffer, 20, &word));
  TRY(__wasi_fd_readdir(a, buffer, 200, 0, &word));
  TRY(__wasi_fd_readdir(1, buffer, 200, 0, &word));
  TRY(__wasi_fd_readdir(99, buffer, 200, 0, &word));
  for (int size = 0; size <= 210; size += 30) {
    int error = __wasi_fd_readdir(c, buffer, size, 0, &word);
    printf("readdir %d: %d %d\n", size, error, (int)word);
  }
  for (int cookie = 0; cookie <= 6; cookie++) {
    int error = __wasi_fd_readdir(c, buffer, 200, cookie, &word);
    printf("readdir from %d: %d %d\n", cookie, error, (int)word);
  }
  TRY(__wasi_clock_res_get(0, &wide));
  TRY(__wasi_clock_res_get(1, &wide));
  TRY(__wasi_clock_res_get(2, &wide));
  TRY(__wasi_clock_res_get(3, &wide));
  TRY(__wasi_clock_time_get(0, 0, &wide));
  TRY(__wasi_clock_time_get(1, 0, &wide));
  TRY(__wasi_clock_time_get(2, 0, &wide));
  TRY(__wasi_clock_time_get(3, 0, &wide));
  TRY(__wasi_random_get(buffer, 0));
  TRY(__wasi_sched_yield());
  __wasi_subscription_t wait[2] = {{.userdata = 7, .u = {.tag = 0, .u = {.clock = {.id = 1, .timeout = 1000}}}},
                                   {.userdata = 9, .u = {.tag = 0, .u = {.clock = {.id = 0, .timeout = 50000000}}}}};
  __wasi_event_t events[2];
  TRY(__wasi_poll_oneoff(wait, events, 0, &word));
  TRY(__wasi_poll_oneoff(wait, events, 2, &word));
  printf("%d: %d %d %d\n", (int)word, (int)events[0].userdata, events[0].error, events[0].type);
  wait[0].u.tag = 2, wait[0].u.u.fd_write.file_descriptor = 1;
  TRY(__wasi_poll_oneoff(wait, events, 1, &word));
  printf("%d: %d %d %d\n", (int)word, (int)events[0].userdata, events[0].error, events[0].type);
  wait[0].u.tag = 1, wait[0].u.u.fd_read.file_descriptor = 0;
  TRY(__wasi_poll_oneoff(wait, events, 1, &word));
  printf("%d: %d %d %d\n", (int)word, (int)events[0].userdata, events[0].error, events[0].type);
  TRY(__wasi_sock_shutdown(1, 1));
  TRY(__wasi_sock_shutdown(a, 1));
  TRY(__wasi_sock_shutdown(99, 1));
  TRY(__wasi_fd_renumber(99, 1));
  TRY(__wasi_fd_renumber(a, 99));
  TRY(__wasi_fd_renumber(a, a));
  TRY(__wasi_fd_renumber(a, d));
  fdstat(a), fdstat(d), filestat(d);
  TRY(__wasi_fd_close(b));
  TRY(__wasi_fd_close(b));
  TRY(__wasi_fd_close(99));
  TRY(__wasi_fd_close(0));
  TRY(__wasi_fd_read(0, &to, 1, &word));
  a = open_(3, "a.txt", 0, 2, 0), b = open_(3, "a.txt", 0, 2, 0), c = open_(3, "a.txt", 0, 2, 0);
  TRY(__wasi_fd_close(a));
  TRY(__wasi_fd_close(c));
  TRY(__wasi_fd_close(b));
  a = open_(3, "a.txt", 0, 2, 0), b = open_(3, "a.txt", 0, 2, 0), c = open_(3, "a.txt", 0, 2, 0);
  TRY(__wasi_fd_renumber(a, 3));
  open_(3, "a.txt", 0, 2, 0);
  TRY(__wasi_fd_close(3));
  open_(3, "a.txt", 0, 2, 0);
  TRY(__wasi_fd_prestat_get(3, &prestat));
}
