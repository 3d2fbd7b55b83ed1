/* Descriptors: what they are, where they stand, and that nothing can be changed through them; there
   are no sockets. */

#pragma once

#include "state.h"

static void become(u32 fd, u32 what) { TABLE[fd].what = what + 2; }
WASI(fd_close)(u32 fd) {
  u32 pages = enter(), what = what_is(fd);
  if (what != CLOSED) become(fd, CLOSED);
  leave(pages);
  return what == CLOSED ? BADF : SUCCESS;
}
WASI(fd_renumber)(u32 from, u32 to) {
  u32 pages = enter(), what = what_is(from), error = BADF;
  if (what != CLOSED && what_is(to) != CLOSED) {
    error = SUCCESS;
    if (from != to) {
      become(to, what);
      TABLE[to].flags = TABLE[from].flags;
      TABLE[to].position = TABLE[from].position;
      become(from, CLOSED);
    }
  }
  leave(pages);
  return error;
}
/* The kind of file, or CLOSED. */
static u32 kind_of(u32 what) {
  if (what >= STANDARD) return what == CLOSED ? CLOSED : UNKNOWN;
  u32 pages = enter(), kind = is_directory(what) ? DIRECTORY : REGULAR;
  leave(pages);
  return kind;
}
/* Whether it is the root directory, which the program did not open. */
static u32 was_there(u32 fd) {
  u32 pages = enter(), there = !what_is(fd) && !(TABLE[fd].flags & OPENED);
  leave(pages);
  return there;
}
struct fdstat {
  u8 kind;
  u16 flags;
  u32 unused;
  u32 rights[2], inherited[2];
};
WASI(fd_fdstat_get)(u32 fd, volatile struct fdstat* stat) {
  u32 what = open_at(fd), kind = kind_of(what), flags = 0;
  if (kind == CLOSED) return BADF;
  /* Rights bind nobody; these are what wasmtime answers. */
  u32 rights = what == STANDARD ? 2 : 64, inherited = rights;
  if (kind == REGULAR) {
    rights = inherited = 0x3FFFFFBF;
    u32 pages = enter();
    flags = TABLE[fd].flags;
    leave(pages);
  } else if (kind == DIRECTORY) {
    rights = inherited = 0x3FB7FFBB;
    if (was_there(fd)) rights = 0x7B7FE00, inherited = 0xFF7FFFF;
  }
  stat->kind = kind;
  stat->flags = flags;
  stat->rights[0] = rights;
  stat->rights[1] = 0;
  stat->inherited[0] = inherited;
  stat->inherited[1] = 0;
  return SUCCESS;
}
WASI(fd_fdstat_set_flags)(u32 fd, u32 flags) {
  if (kind_of(open_at(fd)) != REGULAR) return BADF;
  if (flags & SYNCHRONOUS) return INVAL;
  u32 pages = enter();
  TABLE[fd].flags = flags;
  leave(pages);
  return SUCCESS;
}
WASI(fd_fdstat_set_rights)(u32 fd, u64 rights, u64 inherited) {
  return open_at(fd) >= STANDARD ? BADF : NOTSUP;
}
static void stat_of(u32 what, u32 stat) {
  u32 kind = kind_of(what), bytes = 0;
  u64 time = 0;
  if (kind != UNKNOWN) {
    u32 pages = enter();
    time = HEADER->time;
    if (kind == REGULAR) bytes = NODE(what)->bytes;
    leave(pages);
  }
  put64(stat, 0);
  put64(stat + 8, kind == UNKNOWN ? 0 : what + 1);
  put64(stat + 16, kind);
  put64(stat + 24, kind == UNKNOWN ? 0 : 1);
  put64(stat + 32, bytes);
  put64(stat + 40, time);
  put64(stat + 48, time);
  put64(stat + 56, time);
}
WASI(fd_filestat_get)(u32 fd, u32 stat) {
  u32 what = open_at(fd);
  if (what == CLOSED) return BADF;
  stat_of(what, stat);
  return SUCCESS;
}
WASI(fd_seek)(u32 fd, u64 offset, u32 whence, u32 position) {
  u32 what = open_at(fd), kind = kind_of(what);
  if (kind == CLOSED) return BADF;
  if (kind == UNKNOWN) return SPIPE;
  if (kind == DIRECTORY) return BADF;
  u32 pages = enter(), bytes = NODE(what)->bytes;
  u64 at = TABLE[fd].position;
  leave(pages);
  if (whence > 2) return INVAL;
  u64 base = whence == 0 ? 0 : whence == 1 ? at : bytes;
  if ((long long)(base + offset) < 0) return INVAL;
  put64(position, base + offset);
  pages = enter();
  TABLE[fd].position = base + offset;
  leave(pages);
  return SUCCESS;
}
WASI(fd_tell)(u32 fd, u32 position) { return wasi_fd_seek(fd, 0, 1, position); }
WASI(fd_prestat_get)(u32 fd, u32 stat) {
  if (!was_there(fd)) return BADF;
  *(volatile u8*)stat = 0;
  put32(stat + 4, 1);
  return SUCCESS;
}
WASI(fd_prestat_dir_name)(u32 fd, u32 name, u32 n) {
  if (!was_there(fd)) return open_at(fd) == CLOSED ? BADF : NOTDIR;
  if (n < 1) return NAMETOOLONG;
  *(volatile u8*)name = '/';
  return SUCCESS;
}

/* What a file that can only be read answers to changes. */
static u32 unchanged(u32 fd) {
  u32 kind = kind_of(open_at(fd));
  return kind == REGULAR ? SUCCESS : BADF;
}
WASI(fd_advise)(u32 fd, u64 offset, u64 n, u32 advice) {
  if (advice > 5) return INVAL;
  u32 error = unchanged(fd);
  return error || n >> 63 == 0 ? error : INVAL;
}
WASI(fd_allocate)(u32 fd, u64 offset, u64 n) {
  u32 error = unchanged(fd);
  return error ? error : NOTSUP;
}
WASI(fd_sync)(u32 fd) { return unchanged(fd); }
WASI(fd_datasync)(u32 fd) { return unchanged(fd); }
WASI(fd_filestat_set_size)(u32 fd, u64 n) {
  u32 error = unchanged(fd);
  return error ? error : PERM;
}
WASI(fd_filestat_set_times)(u32 fd, u64 accessed, u64 modified, u32 flags) {
  if ((flags & 3) == 3 || (flags & 12) == 12) return INVAL;
  return open_at(fd) >= STANDARD ? BADF : PERM;
}

/* ---- sockets ---- */

static u32 no_socket(u32 fd) { return open_at(fd) == CLOSED ? BADF : NOTSOCK; }
WASI(sock_accept)(u32 fd, u32 flags, u32 accepted) { return no_socket(fd); }
WASI(sock_recv)(u32 fd, u32 list, u32 count, u32 flags, u32 read, u32 flags_out) { return no_socket(fd); }
WASI(sock_send)(u32 fd, u32 list, u32 count, u32 flags, u32 written) { return no_socket(fd); }
WASI(sock_shutdown)(u32 fd, u32 how) { return no_socket(fd); }
