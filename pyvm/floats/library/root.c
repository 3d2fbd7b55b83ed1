/* The square root.  No root lies half way between two numbers, so that two or three places more than
 * the result's are enough.  That of a normal number comes by Newton's method, at most a unit too large;
 * others by halves: Zimmermann's "Karatsuba Square Root" (INRIA RR-3805, 1999).
 */

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

SHARED u64 any_root64(u64 a) {
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

SHARED u32 any_root32(u32 a) {
  if (a << 1 == 0) return a;
  i32 exponent = exponent32(a);
  if (SELDOM(exponent == 0xff || (i32)a < 0)) return a == INFINITY32 ? a : NAN32;
  u64 x = (u64)significand32(a, &exponent) << (24 - (exponent & 1));
  exponent = (exponent + 127) >> 1;
  u64 rest;
  u32 root = root56(x, &rest);
  return pack32(0, exponent, root << 4 | (rest != 0));
}

/* Of 2^30 <= n < 2^32, within one.  A line is at most 3.1 % off, a step leaves a half of the square of
 * that.
 */
INLINE u32 root32(u32 n) {
  u32 root = 22400 + ((n >> 16) * 11 >> 4);
  root = (root + n / root) >> 1;
  return (root + n / root) >> 1;
}

NAMED("f64.sqrt") u64 sqrt64(u64 a) {
  if (upper(a) - 0x100000 >= 0x7fe00000) goto any;
  u32 exponent = upper(a) >> 20;
  u64 n = join(lower(a), (upper(a) & 0xfffff) | 0x100000) << (3 - (exponent & 1)); /* of 55 or 56 bits */
  u32 first = root32(lower(n >> 24));
  u32 root = ((first << 12) + lower(div_word(n >> 12, first))) >> 1; /* of n, of 28 bits */
  u64 rest = n - (u64)root * root;
  if (SELDOM((i32)upper(rest) < 0)) {
    root--;
    KEEP(root);
    rest += ((u64)root << 1) + 1;
    KEEP(rest);
  }
  u64 last = div_word(rest << 27, root);
  u64 whole = ((u64)root << 28) + last; /* of 56 bits */
  if ((lower(whole) & 7) == 4) goto exactly;
rounded:
  whole = (whole + 4) >> 3;
  return join(lower(whole), upper(whole) + ((510 + ((exponent + 1) >> 1)) << 20));
exactly:
  rest = (rest << 28) - last * ((u64)root << 1);
  if ((i64)((rest << 28) - last * last) < 0) whole--;
  goto rounded;
any:
  return any_root64(a);
}

NAMED("f32.sqrt") u32 sqrt32(u32 a) {
  if (a - 0x800000 >= 0x7f000000) goto any;
  u32 exponent = a >> 23;
  u32 n = ((a & 0x7fffff) | 0x800000) << (8 - (exponent & 1)); /* of 31 or 32 bits */
  u32 first = root32(n);
  u32 whole = ((first << 10) + lower(div_word((u64)n << 10, first))) >> 1; /* of n * 2^20, of 26 bits */
  if ((whole & 3) == 2) goto exactly;
rounded:
  return ((whole + 2) >> 2) + ((62 + ((exponent + 1) >> 1)) << 23);
exactly:
  if ((u64)whole * whole > (u64)n << 20) whole--;
  goto rounded;
any:
  return any_root32(a);
}
