/* Arguments, environment, clock, random numbers, the exit status, and waiting. */

#include "state.h"

static u32 strings(u32 list, u32 buffer, u32 count, u32 bytes, u32 at) {
  touch(list, 4 * count);
  touch(buffer, bytes);
  u32 pages = enter();
  copy(buffer, GIVEN + at, bytes);
  for (u32 end = buffer + bytes; count; count--, list += 4) {
    put32(list, buffer);
    while (buffer != end && *(volatile u8*)buffer++) {
    }
  }
  leave(pages);
  return SUCCESS;
}
WASI(args_sizes_get)(u32 count, u32 bytes) {
  u32 pages = enter(), n = HEADER->args, size = HEADER->args_bytes;
  leave(pages);
  put32(bytes, size);
  put32(count, n);
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
  put32(bytes, size);
  put32(count, n);
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
      for (u64 rest = x; n; n--, rest >>= 8) *(volatile u8*)buffer++ = rest;
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
    u32 tag = *(volatile u8*)(s + 8);
    if (tag > 2) return INVAL;
    if (tag != CLOCK) {
      clocks = 0;
      continue;
    }
    u64 timeout = *(volatile u64*)(s + 24);
    if (get32(s + 16) > 1) return INVAL;
    if (*(volatile u16*)(s + 40) & 1) { /* a point of time */
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
    u32 tag = *(volatile u8*)(s + 8), error = SUCCESS, bytes = 0, closed = 0;
    if (tag == CLOCK) {
      u64 timeout = *(volatile u64*)(s + 24);
      if (*(volatile u16*)(s + 40) & 1) {
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
    u64 data = *(volatile u64*)s;
    put64(e, data);
    put64(e + 8, error | tag << 16);
    put64(e + 16, bytes);
    put64(e + 24, closed);
    n++;
  }
  put32(happened, n);
  return SUCCESS;
}
