/* A significand and an exponent become a float.
 *
 * The significand's highest bit is set (a zero has none, and its exponent is not positive); the
 * exponent is the one that the float has, if it can.  The lowest bit of the significand stands for
 * all bits below it, too.
 */

#pragma once

#include "bits.h"

/* `high` has the sign. */
INLINE u64 pack64(u32 high, i32 exponent, u64 significand) {
  if (SELDOM((u32)(exponent - 1) >= 0x7fe)) {
    if (exponent > 0) return sign64(high) | INFINITY64;
    significand = shifted64(significand, 1 - exponent);
    exponent = 1;
  }
  /* The first bit of a normal number counts one more in the exponent, and so does a carry. */
  u32 rest = (u32)significand & 0x7ff;
  u64 bits = significand >> 11;
  rest = rest + 0x3ff + ((u32)bits & 1);
  high = (high & SIGN32) + ((u32)(exponent - 1) << 20);
  return bits + (rest >> 11) + ((u64)high << 32);
}

INLINE u32 pack32(u32 sign, i32 exponent, u32 significand) {
  if (SELDOM((u32)(exponent - 1) >= 0xfe)) {
    if (exponent > 0) return (sign & SIGN32) | INFINITY32;
    significand = shifted32(significand, 1 - exponent);
    exponent = 1;
  }
  u32 bits = significand >> 8;
  u32 rest = (significand & 0xff) + 0x7f + (bits & 1);
  return (sign & SIGN32) + ((u32)(exponent - 1) << 23) + bits + (rest >> 8);
}

/* The significand with its first bit at bit 63 (31), and the exponent of any number but zero. */
INLINE u64 significand64(u64 a, i32* exponent) {
  u64 fraction = a << 11;
  if (SELDOM(*exponent == 0)) {
    fraction <<= 1;
    u32 zeros = __builtin_clzll(fraction);
    *exponent = -(i32)zeros;
    return fraction << zeros;
  }
  return fraction | SIGN64;
}

INLINE u32 significand32(u32 a, i32* exponent) {
  u32 fraction = a << 8;
  if (SELDOM(*exponent == 0)) {
    fraction <<= 1;
    u32 zeros = __builtin_clz(fraction);
    *exponent = -(i32)zeros;
    return fraction << zeros;
  }
  return fraction | SIGN32;
}
