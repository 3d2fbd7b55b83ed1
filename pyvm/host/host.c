/* The host module: what WebAssembly programs import, as WebAssembly that is merged with them.

   Enters: the calls of wasi_snapshot_preview1 (its witx files say what each means) and env.abort;
   what a run gives the program, as environment.py writes it.  Leaves: bytes on the output and the
   error stream, an exit status, answers in the program's memory.

   Its own memory begins at `area()`, beyond all that the program can ever own: `state`, then the
   input.  The program's memory must trap where it ends, so that the area is only there between
   `enter` and `leave`.  What the program gave a pointer to is therefore touched outside of them.
   There is no data, no stack in memory and no table: the merge refuses all three.

   Build with `python -m pyvm.host`. */

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
  SUCCESS = 0, BADF = 8, INVAL = 28, MFILE = 33, NAMETOOLONG = 37, NOENT = 44, NOTDIR = 54,
  NOTSOCK = 57, NOTSUP = 58, PERM = 63, SPIPE = 70
};
enum { UNKNOWN = 0, DIRECTORY = 3, REGULAR = 4 };
enum { SYNCHRONOUS = 2 | 8 | 16 }; /* flags that say how to write */

/* ---- what a run gives, and the descriptors ---- */

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

#define STATE ((struct state *)area())
#define TABLE (STATE->table)
#define GIVEN (area() + sizeof(struct state))
#define HEADER ((const struct header *)GIVEN)
#define NODE(index) ((const struct node *)(GIVEN + HEADER->nodes_at) + (index))

/* Traps unless the program owns the n bytes at p. */
static void touch(u32 p, u32 n) {
  if (!n) return;
  if (p + n - 1 < p) __builtin_trap();
  *(volatile const u8 *)(p + n - 1);
}
static void put32(u32 p, u32 value) { *(volatile u32 *)p = value; }
static void put64(u32 p, u64 value) { *(volatile u64 *)p = value; }
static u32 get32(u32 p) { return *(volatile const u32 *)p; }

static void copy(u32 to, u32 from, u32 n) {
  for (; n >= 8; n -= 8, to += 8, from += 8)
    *(volatile u64 *)to = *(volatile const u64 *)from;
  for (; n; n--) *(volatile u8 *)to++ = *(volatile const u8 *)from++;
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

/* ---- arguments and environment ---- */

static u32 strings(u32 list, u32 buffer, u32 count, u32 bytes, u32 at) {
  touch(list, 4 * count);
  touch(buffer, bytes);
  u32 pages = enter();
  copy(buffer, GIVEN + at, bytes);
  for (u32 end = buffer + bytes; count; count--, list += 4) {
    put32(list, buffer);
    while (buffer != end && *(volatile u8 *)buffer++) {}
  }
  leave(pages);
  return SUCCESS;
}
WASI(args_sizes_get)(u32 count, u32 bytes) {
  u32 pages = enter(), n = HEADER->args, size = HEADER->args_bytes;
  leave(pages);
  put32(count, n);
  put32(bytes, size);
  return SUCCESS;
}
WASI(args_get)(u32 list, u32 buffer) {
  u32 pages = enter(), n = HEADER->args, size = HEADER->args_bytes, at = HEADER->args_at;
  leave(pages);
  return strings(list, buffer, n, size, at);
}
WASI(environ_sizes_get)(u32 count, u32 bytes) {
  u32 pages = enter(), n = HEADER->env, size = HEADER->env_bytes;
  leave(pages);
  put32(count, n);
  put32(bytes, size);
  return SUCCESS;
}
WASI(environ_get)(u32 list, u32 buffer) {
  u32 pages = enter(), n = HEADER->env, size = HEADER->env_bytes, at = HEADER->env_at;
  leave(pages);
  return strings(list, buffer, n, size, at);
}

/* ---- clock, chance, exit ---- */

static u64 now(u32 id) {
  u32 pages = enter();
  u64 elapsed = STATE->elapsed += HEADER->step;
  if (!id) elapsed += HEADER->time;
  leave(pages);
  return elapsed;
}
WASI(clock_time_get)(u32 id, u64 precision, u32 time) {
  if (id > 3) return INVAL;
  if (id > 1) return BADF;
  put64(time, now(id));
  return SUCCESS;
}
WASI(clock_res_get)(u32 id, u32 resolution) {
  if (id > 3) return INVAL;
  if (id > 1) return BADF;
  put64(resolution, 1);
  return SUCCESS;
}
/* xorshift64 (Marsaglia, Xorshift RNGs); each number fills eight bytes or what is left of them. */
WASI(random_get)(u32 buffer, u32 n) {
  touch(buffer, n);
  u32 pages = enter();
  u64 x = STATE->chance;
  if (!x) x = HEADER->seed;
  while (n) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    if (n >= 8) {
      put64(buffer, x);
      buffer += 8, n -= 8;
    } else {
      for (u64 rest = x; n; n--, rest >>= 8) *(volatile u8 *)buffer++ = rest;
    }
  }
  STATE->chance = x;
  leave(pages);
  return SUCCESS;
}
__attribute__((export_name("wasi_snapshot_preview1.proc_exit"))) _Noreturn void wasi_proc_exit(u32 status) {
  exit_with(status);
}
WASI(proc_raise)(u32 signal) { __builtin_trap(); }
WASI(sched_yield)(void) { return SUCCESS; }

/* ---- reading and writing ---- */

struct piece {
  u32 at, bytes;
};

#define EMIT(name, instruction)                                                                    \
  static __attribute__((noinline)) void name(u32 p, u32 n) {                                       \
    touch(p, n);                                                                                   \
    for (; n & 3; n--) instruction(*(volatile u8 *)p++);                                           \
    for (; n; n -= 4, p += 4)                                                                      \
      instruction(((volatile u8 *)p)[0]), instruction(((volatile u8 *)p)[1]),                      \
          instruction(((volatile u8 *)p)[2]), instruction(((volatile u8 *)p)[3]);                  \
  }
EMIT(emit, output)
EMIT(emit_error, output_error)

WASI(fd_write)(u32 fd, const struct piece *list, u32 count, u32 written) {
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
static u32 read_pieces(const struct piece *list, u32 count, u32 at, u32 left) {
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
static u32 read_at(u32 what, u64 position, const struct piece *list, u32 count, u32 read) {
  u32 pages = enter(), at = HEADER->stdin_at, bytes = HEADER->stdin_bytes;
  if (what < STANDARD) at = NODE(what)->at, bytes = NODE(what)->bytes;
  leave(pages);
  if (bytes == IS_DIRECTORY) return FAILED | BADF;
  u32 from = position < bytes ? position : bytes;
  u32 total = read_pieces(list, count, at + from, bytes - from);
  put32(read, total);
  return total;
}
WASI(fd_read)(u32 fd, const struct piece *list, u32 count, u32 read) {
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
WASI(fd_pread)(u32 fd, const struct piece *list, u32 count, u64 offset, u32 read) {
  u32 what = open_at(fd);
  if (what == STANDARD) return SPIPE;
  if (what > STANDARD) return BADF;
  u32 total = read_at(what, offset, list, count, read);
  return total >= FAILED ? total & 0xFF : SUCCESS;
}
WASI(fd_pwrite)(u32 fd, u32 list, u32 count, u64 offset, u32 written) {
  u32 what = open_at(fd);
  return what == STANDARD + 1 || what == STANDARD + 2 ? SPIPE : BADF;
}

/* ---- descriptors ---- */

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
struct fdstat {
  u32 words[6];
};
WASI(fd_fdstat_get)(u32 fd, volatile struct fdstat *stat) {
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
    if (fd == ROOT) rights = 0x7B7FE00, inherited = 0xFF7FFFF;
  }
  stat->words[0] = kind | flags << 16;
  stat->words[1] = 0;
  stat->words[2] = rights;
  stat->words[3] = 0;
  stat->words[4] = inherited;
  stat->words[5] = 0;
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
  if (open_at(fd)) return BADF; /* only the root directory was there before */
  put32(stat, 0);
  put32(stat + 4, 1);
  return SUCCESS;
}
WASI(fd_prestat_dir_name)(u32 fd, u32 name, u32 n) {
  u32 what = open_at(fd);
  if (what) return what == CLOSED ? BADF : NOTDIR;
  if (n < 1) return NAMETOOLONG;
  *(volatile u8 *)name = '/';
  return SUCCESS;
}

/* What a file that can only be read answers to changes. */
static u32 unchanged(u32 fd) {
  u32 kind = kind_of(open_at(fd));
  return kind == REGULAR ? SUCCESS : BADF;
}
WASI(fd_advise)(u32 fd, u64 offset, u64 n, u32 advice) {
  return advice > 5 ? INVAL : unchanged(fd);
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

/* ---- paths ---- */

static u32 same(u32 a, u32 b, u32 n) {
  for (; n; n--)
    if (*(volatile u8 *)a++ != *(volatile u8 *)b++) return 0;
  return 1;
}
/* Follows a path from a directory, between enter and leave; gives a node, or FAILED and an error.
   No path leads out of the directory. */
static u32 walk(u32 start, u32 path, u32 n) {
  u32 here = start, end = path + n, nodes = HEADER->nodes;
  if (!n) return FAILED | NOENT;
  if (*(volatile u8 *)path == '/') return FAILED | PERM;
  while (path != end) {
    u32 name = path;
    if (!is_directory(here)) return FAILED | NOTDIR;
    while (path != end && *(volatile u8 *)path != '/') path++;
    u32 size = path - name;
    while (path != end && *(volatile u8 *)path == '/') path++;
    u32 dots = size == 1 || size == 2;
    for (u32 i = 0; dots && i < size; i++) dots = *(volatile u8 *)(name + i) == '.';
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
WASI(path_open)(u32 fd, u32 lookup, u32 path, u32 n, u32 how, u64 rights, u64 inherited, u32 flags, u32 opened) {
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
    TABLE[free].flags = flags;
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
static u32 refused(u32 fd) {
  return kind_of(open_at(fd)) == DIRECTORY ? PERM : BADF;
}
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
        byte = name ? *(volatile u8 *)(name + k - 24) : '.';
      *(volatile u8 *)buffer++ = byte;
    }
  }
  leave(pages);
  put32(used, buffer - begin);
  return SUCCESS;
}

/* ---- waiting ---- */

/* What is to be read or written is there at once; where only clocks are waited for, the first one
   that rings is, and the time until then is over. */
WASI(poll_oneoff)(u32 subscriptions, u32 events, u32 count, u32 happened) {
  enum { SUBSCRIPTION = 48, EVENT = 32, CLOCK = 0, READ = 1 };
  if (!count) return INVAL;
  u32 n = 0, clocks = 1;
  u64 least = ~0ull, real = now(0), running = now(1);
  for (u32 i = 0; i < count; i++) {
    u32 s = subscriptions + SUBSCRIPTION * i;
    u32 tag = *(volatile u8 *)(s + 8);
    if (tag > 2) return INVAL;
    if (tag != CLOCK) {
      clocks = 0;
      continue;
    }
    u64 timeout = *(volatile u64 *)(s + 24);
    if (get32(s + 16) > 1) return INVAL;
    if (*(volatile u16 *)(s + 40) & 1) { /* a point of time */
      u64 time = get32(s + 16) ? running : real;
      timeout = timeout > time ? timeout - time : 0;
    }
    if (timeout < least) least = timeout;
  }
  if (clocks) {
    u32 pages = enter();
    STATE->elapsed += least;
    leave(pages);
  } else {
    least = 0;
  }
  for (u32 i = 0; i < count; i++) {
    u32 s = subscriptions + SUBSCRIPTION * i, e = events + EVENT * n;
    u32 tag = *(volatile u8 *)(s + 8), error = SUCCESS, bytes = 0, closed = 0;
    if (tag == CLOCK) {
      u64 timeout = *(volatile u64 *)(s + 24);
      if (*(volatile u16 *)(s + 40) & 1) {
        u64 time = get32(s + 16) ? running : real;
        timeout = timeout > time ? timeout - time : 0;
      }
      if (timeout > least) continue;
    } else {
      u32 what = open_at(get32(s + 16));
      if (what == CLOSED) error = BADF;
      if (what == STANDARD && tag == READ) {
        u32 pages = enter();
        bytes = HEADER->stdin_bytes - TABLE[get32(s + 16)].position;
        leave(pages);
        closed = !bytes;
      }
    }
    u64 data = *(volatile u64 *)s;
    put64(e, data);
    put64(e + 8, error | tag << 16);
    put64(e + 16, bytes);
    put64(e + 24, closed);
    n++;
  }
  put32(happened, n);
  return SUCCESS;
}

/* ---- sockets: there are none ---- */

static u32 no_socket(u32 fd) { return open_at(fd) == CLOSED ? BADF : NOTSOCK; }
WASI(sock_accept)(u32 fd, u32 flags, u32 accepted) { return no_socket(fd); }
WASI(sock_recv)(u32 fd, u32 list, u32 count, u32 flags, u32 read, u32 flags_out) { return no_socket(fd); }
WASI(sock_send)(u32 fd, u32 list, u32 count, u32 flags, u32 written) { return no_socket(fd); }
WASI(sock_shutdown)(u32 fd, u32 how) { return no_socket(fd); }

/* ---- AssemblyScript ---- */

/* UTF-16, whose length in bytes lies before it, as UTF-8. */
static void write_text(u32 text) {
  if (!text) return;
  for (u32 end = text + get32(text - 4); text + 1 < end; text += 2) {
    u32 c = *(volatile u16 *)text;
    if (c >> 10 == 0x36 && text + 3 < end && *(volatile u16 *)(text + 2) >> 10 == 0x37) {
      c = 0x10000 + ((c & 0x3FF) << 10) + (*(volatile u16 *)(text + 2) & 0x3FF);
      text += 2;
      output_error(0xF0 | c >> 18);
      output_error(0x80 | c >> 12 & 63);
    } else if (c > 0x7FF) {
      output_error(0xE0 | c >> 12);
    }
    if (c > 0x7FF) output_error(0x80 | c >> 6 & 63);
    else if (c > 0x7F) output_error(0xC0 | c >> 6);
    output_error(c > 0x7F ? 0x80 | c & 63 : c);
  }
}
static void write_number(u32 n) {
  u32 power = 1;
  while (n / power >= 10) power *= 10;
  for (; power; power /= 10) output_error('0' + n / power % 10);
}
__attribute__((export_name("env.abort"))) void env_abort(u32 message, u32 file, u32 line, u32 column) {
  output_error('a'), output_error('b'), output_error('o'), output_error('r'), output_error('t');
  output_error(':'), output_error(' ');
  write_text(message);
  output_error(' '), output_error('i'), output_error('n'), output_error(' ');
  write_text(file);
  output_error('('), write_number(line), output_error(':'), write_number(column);
  output_error(')'), output_error('\n');
  __builtin_trap();
}
