/* What all functions of the host share: the machine's instructions, the numbers of WASI, the state,
   what a run gives, and the way to both. */

#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;

/* What the compiler makes an instruction or a constant of. */
#define MACHINE(name) __attribute__((import_module("pyvm"), import_name(#name)))
MACHINE(output) void output(u32 byte);
MACHINE(output_error) void output_error(u32 byte);
MACHINE(exit) _Noreturn void exit_with(u32 status);
MACHINE(resize) void resize(u32 pages);
MACHINE(area) u32 area(void);

#define WASI(name) __attribute__((export_name("wasi_snapshot_preview1." #name))) u32 wasi_##name

enum {
  SUCCESS = 0,
  BADF = 8,
  INVAL = 28,
  MFILE = 33,
  NAMETOOLONG = 37,
  NOENT = 44,
  NOTDIR = 54,
  NOTSOCK = 57,
  NOTSUP = 58,
  PERM = 63,
  SPIPE = 70
};
enum { UNKNOWN = 0, DIRECTORY = 3, REGULAR = 4 };
enum { SYNCHRONOUS = 2 | 8 | 16 }; /* flags that say how to write */

struct header {
  u32 args, args_bytes, args_at, env, env_bytes, env_at, stdin_bytes, stdin_at, nodes, nodes_at;
  u64 time, step, seed;
} __attribute__((packed, aligned(4)));

struct node {
  u32 parent, name_at, name_bytes, at, bytes;
};
#define IS_DIRECTORY 0xFFFFFFFF

/* `what`: 0 as in the beginning, 1 closed, else 2 more than what is open. */
struct descriptor {
  u32 what, flags;
  u64 position;
};
#define OPENED 0x10000 /* beside the flags of what `path_open` opened */
#define DESCRIPTORS 256
#define CLOSED 0xFFFFFFFF
#define STANDARD 0xFFFFFF00 /* and 0, 1, 2 */
#define ROOT 3              /* the descriptor of the root directory */

/* All zero in the beginning.  module.py knows its size. */
struct state {
  struct descriptor table[DESCRIPTORS];
  u64 elapsed; /* on the clock */
  u64 chance;  /* of the generator; 0: not begun */
};
/* Numbers from here on are errors, where others are answers. */
#define FAILED 0xFFFFFF00

static u32 enter(void) {
  u32 pages = __builtin_wasm_memory_size(0);
  resize(65536);
  return pages;
}
static void leave(u32 pages) { resize(pages); }

#define STATE ((struct state*)area())
#define TABLE (STATE->table)
#define GIVEN (area() + sizeof(struct state))
#define HEADER ((const struct header*)GIVEN)
#define NODE(index) ((const struct node*)(GIVEN + HEADER->nodes_at) + (index))

/* Traps unless the program owns the n bytes at p. */
static void touch(u32 p, u32 n) {
  if (!n) return;
  if (p + n - 1 < p) __builtin_trap();
  *(volatile const u8*)(p + n - 1);
}
static void put32(u32 p, u32 value) { *(volatile u32*)p = value; }
static void put64(u32 p, u64 value) { *(volatile u64*)p = value; }
static u32 get32(u32 p) { return *(volatile const u32*)p; }

static void copy(u32 to, u32 from, u32 n) {
  for (; n >= 8; n -= 8, to += 8, from += 8) *(volatile u64*)to = *(volatile const u64*)from;
  for (; n; n--) *(volatile u8*)to++ = *(volatile const u8*)from++;
}

/* What is open, between enter and leave: a node, STANDARD + 0..2, or CLOSED. */
static u32 what_is(u32 fd) {
  if (fd >= DESCRIPTORS) return CLOSED;
  u32 what = TABLE[fd].what;
  if (what) return what - 2;
  if (fd < ROOT) return STANDARD + fd;
  return fd == ROOT && HEADER->nodes ? 0 : CLOSED;
}
static u32 open_at(u32 fd) {
  u32 pages = enter(), what = what_is(fd);
  leave(pages);
  return what;
}
static u32 is_directory(u32 what) { return what < STANDARD && NODE(what)->bytes == IS_DIRECTORY; }
