/* The sum.  A difference is the sum with the second sign turned. */

#include "pack.h"

NAMED("f64.add") u64 add64(u64 a, u64 b) {
  if (a << 1 < b << 1) {
    u64 larger = b;
    b = a;
    a = larger;
  }
  u32 high = upper(a);
  u32 differ = high ^ upper(b);
  i32 exponent = exponent64(a), other = exponent64(b);
  if (SELDOM(exponent == 0x7ff)) { /* b is a NaN only where a is one */
    if (is_nan64(a) || (other == 0x7ff && (i32)differ < 0)) return NAN64;
    return a;
  }
  u64 x = (a & FRACTION64) << 10, y = (b & FRACTION64) << 10;
  if (other) {
    x |= 1ull << 62;
    y |= 1ull << 62;
  } else { /* b is subnormal, or zero */
    other = 1;
    if (exponent)
      x |= 1ull << 62;
    else
      exponent = 1;
  }
  if (exponent != other) y = shifted64(y, exponent - other);
  if ((i32)differ < 0) {
    x -= y;
    if (SELDOM(x == 0)) return 0;
  } else {
    x += y;
    if (SELDOM(x == 0)) return a;
  }
  u32 zeros = __builtin_clzll(x);
  return pack64(high, exponent + 1 - (i32)zeros, x << zeros);
}

NAMED("f32.add") u32 add32(u32 a, u32 b) {
  if (a << 1 < b << 1) {
    u32 larger = b;
    b = a;
    a = larger;
  }
  u32 differ = a ^ b;
  i32 exponent = exponent32(a), other = exponent32(b);
  if (SELDOM(exponent == 0xff)) {
    if (is_nan32(a) || (other == 0xff && (i32)differ < 0)) return NAN32;
    return a;
  }
  u32 x = (a & 0x7fffff) << 7, y = (b & 0x7fffff) << 7;
  if (other) {
    x |= 1u << 30;
    y |= 1u << 30;
  } else {
    other = 1;
    if (exponent)
      x |= 1u << 30;
    else
      exponent = 1;
  }
  if (exponent != other) y = shifted32(y, exponent - other);
  if ((i32)differ < 0) {
    x -= y;
    if (SELDOM(x == 0)) return 0;
  } else {
    x += y;
    if (SELDOM(x == 0)) return a;
  }
  u32 zeros = __builtin_clz(x);
  return pack32(a, exponent + 1 - (i32)zeros, x << zeros);
}
