/* The square root, by halves: Zimmermann's "Karatsuba Square Root" (INRIA RR-3805, 1999). */

#include "pack.h"

/* The root, of 28 bits, of 2^54 <= n < 2^56, and what its square leaves. */
INLINE u32 root56(u64 n, u64* rest) {
  u32 top = n >> 28, head = top >> 14;
  /* Of 14 bits: (head + 90 * 90) / 180 is at most 8 too large, after a step of Newton's method the
   * root is at most one too large. */
  u32 root = (head + 8100) / 180;
  root = (root + head / root) >> 1;
  if (root * root > head) root--;
  /* Of 28 bits. */
  u32 left = (head - root * root) << 7 | (top >> 7 & 127);
  u32 twice = root << 1, more = left / twice;
  i32 over = (i32)((left - more * twice) << 7 | (top & 127)) - (i32)(more * more);
  root = (root << 7) + more;
  if (over < 0) {
    over += (root << 1) - 1;
    root--;
  }
  /* Of 56 bits. */
  left = (u32)over << 14 | ((u32)n >> 14 & 0x3fff);
  twice = root << 1;
  more = left / twice;
  over = (i32)((left - more * twice) << 14 | ((u32)n & 0x3fff)) - (i32)(more * more);
  root = (root << 14) + more;
  if (over < 0) {
    over += (root << 1) - 1;
    root--;
  }
  *rest = (u32)over;
  return root;
}

NAMED("f64.sqrt") u64 sqrt64(u64 a) {
  if (a << 1 == 0) return a;
  i32 exponent = exponent64(a);
  if (SELDOM(exponent == 0x7ff || (i64)a < 0)) return a == INFINITY64 ? a : NAN64;
  u64 x = significand64(a, &exponent); /* 2^63 and more */
  x >>= 8 + (exponent & 1);            /* an even power of two; below it are 56 zeros */
  exponent = (exponent + 1023) >> 1;
  u64 rest;
  u64 root = root56(x, &rest);
  u64 left = rest << 28, twice = root << 1;
  u64 more = div_word(left, (u32)twice);
  i64 over = (i64)((left - more * twice) << 28) - (i64)(more * more);
  root = (root << 28) + more;
  if (over < 0) {
    over += (root << 1) - 1;
    root--;
  }
  return pack64(0, exponent, root << 8 | (over != 0));
}

NAMED("f32.sqrt") u32 sqrt32(u32 a) {
  if (a << 1 == 0) return a;
  i32 exponent = exponent32(a);
  if (SELDOM(exponent == 0xff || (i32)a < 0)) return a == INFINITY32 ? a : NAN32;
  u64 x = (u64)significand32(a, &exponent) << (24 - (exponent & 1));
  exponent = (exponent + 127) >> 1;
  u64 rest;
  u32 root = root56(x, &rest);
  return pack32(0, exponent, root << 4 | (rest != 0));
}
