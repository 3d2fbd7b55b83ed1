/* Paths: files and directories by their names, which can be read only. */

#include "descriptors.c"

static u32 same(u32 a, u32 b, u32 n) {
  for (; n; n--)
    if (*(volatile u8*)a++ != *(volatile u8*)b++) return 0;
  return 1;
}
/* Follows a path from a directory, between enter and leave; gives a node, or FAILED and an error.
   No path leads out of the directory. */
static u32 walk(u32 start, u32 path, u32 n) {
  u32 here = start, end = path + n, nodes = HEADER->nodes;
  if (!n) return FAILED | NOENT;
  if (*(volatile u8*)path == '/') return FAILED | PERM;
  while (path != end) {
    u32 name = path;
    if (!is_directory(here)) return FAILED | NOTDIR;
    while (path != end && *(volatile u8*)path != '/') path++;
    u32 size = path - name;
    while (path != end && *(volatile u8*)path == '/') path++;
    u32 dots = size == 1 || size == 2;
    for (u32 i = 0; dots && i < size; i++) dots = *(volatile u8*)(name + i) == '.';
    if (dots && size == 1) continue;
    if (dots) {
      if (here == start) return FAILED | PERM;
      here = NODE(here)->parent;
      continue;
    }
    u32 child = 1;
    for (; child < nodes; child++)
      if (NODE(child)->parent == here && NODE(child)->name_bytes == size &&
          same(GIVEN + NODE(child)->name_at, name, size))
        break;
    if (child == nodes) return FAILED | NOENT;
    here = child;
    if (path != name + size && !is_directory(here)) return FAILED | NOTDIR;
  }
  return here;
}
/* The same from a descriptor. */
static u32 resolve(u32 fd, u32 path, u32 n) {
  touch(path, n);
  u32 what = open_at(fd);
  u32 pages = enter();
  u32 node = is_directory(what) ? walk(what, path, n) : FAILED | BADF;
  leave(pages);
  return node;
}
WASI(path_open)(u32 fd, u32 lookup, u32 path, u32 n, u32 how, u64 rights, u64 inherited, u32 flags,
                u32 opened) {
  enum { CREATE = 1, MUST_BE_DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8 };
  u32 node = resolve(fd, path, n), kind = kind_of(open_at(fd));
  if (kind != DIRECTORY) return kind == REGULAR ? NOTDIR : BADF;
  if (how & CREATE && how & MUST_BE_DIRECTORY) return INVAL;
  if (flags & SYNCHRONOUS) return NOTSUP;
  if (how & (CREATE | TRUNCATE) || rights & 64) return PERM;
  if (node >= FAILED) return node & 0xFF;
  if (how & MUST_BE_DIRECTORY && kind_of(node) != DIRECTORY) return NOTDIR;
  /* The highest that was closed, as in wasmtime, else the first that was never open. */
  u32 pages = enter(), free = DESCRIPTORS;
  for (u32 i = 0; i < DESCRIPTORS; i++) {
    if (what_is(i) != CLOSED) continue;
    u32 never = !TABLE[i].what;
    if (!never || free == DESCRIPTORS) free = i;
    if (never) break;
  }
  if (free < DESCRIPTORS) {
    become(free, node);
    TABLE[free].flags = flags | OPENED;
    TABLE[free].position = 0;
  }
  leave(pages);
  if (free == DESCRIPTORS) return MFILE;
  put32(opened, free);
  return SUCCESS;
}
WASI(path_filestat_get)(u32 fd, u32 lookup, u32 path, u32 n, u32 stat) {
  u32 node = resolve(fd, path, n);
  if (node >= FAILED) return node & 0xFF;
  stat_of(node, stat);
  return SUCCESS;
}
WASI(path_readlink)(u32 fd, u32 path, u32 n, u32 buffer, u32 size, u32 used) {
  u32 node = resolve(fd, path, n);
  return node >= FAILED ? node & 0xFF : INVAL;
}
/* All changes of what cannot be changed. */
static u32 refused(u32 fd) { return kind_of(open_at(fd)) == DIRECTORY ? PERM : BADF; }
WASI(path_create_directory)(u32 fd, u32 path, u32 n) { return refused(fd); }
WASI(path_remove_directory)(u32 fd, u32 path, u32 n) { return refused(fd); }
WASI(path_unlink_file)(u32 fd, u32 path, u32 n) { return refused(fd); }
WASI(path_filestat_set_times)(u32 fd, u32 lookup, u32 path, u32 n, u64 accessed, u64 modified, u32 flags) {
  return refused(fd);
}
WASI(path_link)(u32 fd, u32 lookup, u32 path, u32 n, u32 to, u32 name, u32 size) {
  u32 error = refused(fd);
  return error == PERM ? refused(to) : error;
}
WASI(path_rename)(u32 fd, u32 path, u32 n, u32 to, u32 name, u32 size) {
  u32 error = refused(fd);
  return error == PERM ? refused(to) : error;
}
WASI(path_symlink)(u32 path, u32 n, u32 fd, u32 name, u32 size) { return refused(fd); }

/* A directory's entries: itself, the one above, and what lies in it. */
WASI(fd_readdir)(u32 fd, u32 buffer, u32 size, u64 cookie, u32 used) {
  u32 what = open_at(fd), begin = buffer, end = buffer + size;
  if (kind_of(what) != DIRECTORY) return BADF;
  touch(buffer, size);
  u32 pages = enter(), nodes = HEADER->nodes, at = 0;
  for (u32 i = 0; i < nodes + 1 && buffer != end; i++) {
    /* 0 and 1 are "." and "..", i is node i - 1 */
    u32 node = i < 2 ? what : i - 1;
    if (i >= 2 && NODE(node)->parent != what) continue;
    if (at++ < cookie) continue;
    u32 bytes = i < 2 ? i + 1 : NODE(node)->name_bytes;
    u32 name = i < 2 ? 0 : GIVEN + NODE(node)->name_at;
    u32 kind = is_directory(node) ? DIRECTORY : REGULAR;
    for (u32 k = 0; k < 24 + bytes && buffer != end; k++) {
      u32 byte = 0;
      if (k < 8)
        byte = k < 4 ? at >> 8 * k : 0;
      else if (k < 16)
        byte = k < 12 ? node + 1 >> 8 * (k - 8) : 0;
      else if (k < 20)
        byte = bytes >> 8 * (k - 16);
      else if (k == 20)
        byte = kind;
      else if (k >= 24)
        byte = name ? *(volatile u8*)(name + k - 24) : '.';
      *(volatile u8*)buffer++ = byte;
    }
  }
  leave(pages);
  put32(used, buffer - begin);
  return SUCCESS;
}
