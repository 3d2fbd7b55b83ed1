/* Reading and writing: standard input, output, errors, and files. */

#include "descriptors.c"

struct piece {
  u32 at, bytes;
};

#define EMIT(name, instruction)                                                 \
  static __attribute__((noinline)) void name(u32 p, u32 n) {                    \
    touch(p, n);                                                                \
    for (; n & 3; n--) instruction(*(volatile u8*)p++);                         \
    for (; n; n -= 4, p += 4)                                                   \
      instruction(((volatile u8*)p)[0]), instruction(((volatile u8*)p)[1]),     \
          instruction(((volatile u8*)p)[2]), instruction(((volatile u8*)p)[3]); \
  }
EMIT(emit, output)
EMIT(emit_error, output_error)

WASI(fd_write)(u32 fd, const struct piece* list, u32 count, u32 written) {
  u32 what = open_at(fd), total = 0;
  if (what != STANDARD + 1 && what != STANDARD + 2) return BADF;
  for (; count; count--, list++) {
    u32 n = list->bytes;
    if (n && what == STANDARD + 1) emit(list->at, n);
    if (n && what == STANDARD + 2) emit_error(list->at, n);
    total += n;
  }
  put32(written, total);
  return SUCCESS;
}

/* Reads from `at` on, where `left` bytes lie; gives how many were read. */
static u32 read_pieces(const struct piece* list, u32 count, u32 at, u32 left) {
  u32 total = 0;
  for (; count; count--, list++) {
    u32 p = list->at, n = list->bytes;
    touch(p, n);
    if (n > left) n = left;
    u32 pages = enter();
    copy(p, GIVEN + at, n);
    leave(pages);
    at += n, left -= n, total += n;
  }
  return total;
}
/* The same of a node or standard input, from a position on. */
static u32 read_at(u32 what, u64 position, const struct piece* list, u32 count, u32 read) {
  u32 pages = enter(), at = HEADER->stdin_at, bytes = HEADER->stdin_bytes;
  if (what < STANDARD) at = NODE(what)->at, bytes = NODE(what)->bytes;
  leave(pages);
  if (bytes == IS_DIRECTORY) return FAILED | BADF;
  if (position >> 63) return FAILED | INVAL;
  u32 from = position < bytes ? position : bytes;
  u32 total = read_pieces(list, count, at + from, bytes - from);
  put32(read, total);
  return total;
}
WASI(fd_read)(u32 fd, const struct piece* list, u32 count, u32 read) {
  u32 pages = enter(), what = what_is(fd);
  u64 position = TABLE[fd & (DESCRIPTORS - 1)].position;
  leave(pages);
  if (what > STANDARD) return BADF;
  u32 total = read_at(what, position, list, count, read);
  if (total >= FAILED) return total & 0xFF;
  pages = enter();
  TABLE[fd].position = position + total;
  leave(pages);
  return SUCCESS;
}
WASI(fd_pread)(u32 fd, const struct piece* list, u32 count, u64 offset, u32 read) {
  u32 what = open_at(fd);
  if (what == STANDARD) return SPIPE;
  if (what > STANDARD) return BADF;
  u32 total = read_at(what, offset, list, count, read);
  return total >= FAILED ? total & 0xFF : SUCCESS;
}
WASI(fd_pwrite)(u32 fd, u32 list, u32 count, u64 offset, u32 written) {
  u32 what = open_at(fd);
  if (what == STANDARD + 1 || what == STANDARD + 2) return SPIPE;
  return offset >> 63 && kind_of(what) == REGULAR ? INVAL : BADF;
}
