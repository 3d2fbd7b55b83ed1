/* The sum.  A difference is the sum with the second sign turned.
 *
 * Normal numbers of one sign, and of two signs, have ways of their own; everything else takes the
 * way of any_sum.
 */

#include "pack.h"

SHARED u64 any_sum64(u64 a, u64 b) {
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

SHARED u32 any_sum32(u32 a, u32 b) {
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

/* The larger magnitude comes first; as a jump, which costs less than two choices. */
#define SWAP(a, b)                           \
  do {                                       \
    __typeof__(a) other = a;                 \
    a = b, b = other;                        \
    __asm__ volatile("" : "+r"(a), "+r"(b)); \
  } while (0)

INLINE u32 aligned32(u32 a) { return (a << 7 | 1u << 30) & 0x7fffff80; }
INLINE u64 aligned64(u64 a) { return (a << 10 | 1ull << 62) & (1ull << 63) - (1 << 10); }

/* The first bit of the significand counts one more in the exponent, and so does a carry. */
INLINE u32 rounded_sum32(u32 sign_and_exponent, u32 x) {
  u32 bits = x >> 8;
  return bits + (((x & 0xff) + 0x7f + (bits & 1)) >> 8) + (sign_and_exponent << 23);
}

INLINE u64 rounded_sum64(u32 sign_and_exponent, u64 x) {
  u64 bits = x >> 11;
  u32 carry = (((u32)x & 0x7ff) + 0x3ff + ((u32)bits & 1)) >> 11;
  return bits + carry + ((u64)(sign_and_exponent << 20) << 32);
}

INLINE u32 difference32(u32 a, u32 b) {
  if (a << 1 < b << 1) SWAP(a, b);
  if (SELDOM(a << 1 >= INFINITY32 << 1) || SELDOM((b & INFINITY32) == 0)) return any_sum32(a, b);
  u32 sign_and_exponent = a >> 23;
  u32 x = aligned32(a) - shifted32(aligned32(b), (sign_and_exponent - (b >> 23)) & 0xff);
  if (SELDOM(x == 0)) return 0;
  u32 zeros = __builtin_clz(x);
  if (SELDOM((sign_and_exponent & 0xff) < zeros)) return any_sum32(a, b); /* subnormal */
  x <<= zeros;
  return rounded_sum32(sign_and_exponent - zeros, x);
}

NAMED("f32.add") u32 add32(u32 a, u32 b) {
  if ((i32)(a ^ b) < 0) return difference32(a, b);
  if (a < b) SWAP(a, b);
  if (SELDOM(a << 1 >= INFINITY32 << 1) || SELDOM((b & INFINITY32) == 0)) return any_sum32(a, b);
  u32 sign_and_exponent = a >> 23;
  u32 x = aligned32(a) + shifted32(aligned32(b), sign_and_exponent - (b >> 23));
  if ((i32)x >= 0) {
    x <<= 1;
    sign_and_exponent--;
  }
  u32 bits = rounded_sum32(sign_and_exponent, x);
  return SELDOM(bits << 1 >= INFINITY32 << 1) ? bits & (SIGN32 | INFINITY32) : bits;
}

INLINE u64 difference64(u64 a, u64 b) {
  if (a << 1 < b << 1) SWAP(a, b);
  u32 sign_and_exponent = upper(a) >> 20, other = upper(b) >> 20;
  if (SELDOM((sign_and_exponent & 0x7ff) == 0x7ff) || SELDOM((other & 0x7ff) == 0)) return any_sum64(a, b);
  u64 x = aligned64(a) - shifted64(aligned64(b), (sign_and_exponent - other) & 0x7ff);
  if (SELDOM(x == 0)) return 0;
  u32 zeros = __builtin_clzll(x);
  if (SELDOM((sign_and_exponent & 0x7ff) < zeros)) return any_sum64(a, b); /* subnormal */
  return rounded_sum64(sign_and_exponent - zeros, x << zeros);
}

NAMED("f64.add") u64 add64(u64 a, u64 b) {
  if ((i32)(upper(a) ^ upper(b)) < 0) return difference64(a, b);
  if (a < b) SWAP(a, b);
  u32 sign_and_exponent = upper(a) >> 20, other = upper(b) >> 20;
  if (SELDOM((sign_and_exponent & 0x7ff) == 0x7ff) || SELDOM((other & 0x7ff) == 0)) return any_sum64(a, b);
  u64 x = aligned64(a) + shifted64(aligned64(b), sign_and_exponent - other);
  if ((i32)upper(x) >= 0) {
    x <<= 1;
    sign_and_exponent--;
  }
  u64 bits = rounded_sum64(sign_and_exponent, x);
  return SELDOM((upper(bits) & ~SIGN32) >= 0x7ff00000) ? bits & (SIGN64 | INFINITY64) : bits;
}
