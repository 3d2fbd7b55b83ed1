/* From one size of float to the other, and from integers. */

#pragma once

#include "pack.h"

NAMED("f64.promote_f32") u64 promote(u32 a) {
  u32 high = (a & SIGN32) | ((a & ~SIGN32) >> 3);
  if ((a & INFINITY32) - 0x800000 >= 0x7f000000) goto any;
  return join(a << 29, high + ((1023 - 127) << 20));
any:
  if (exponent32(a)) return is_nan32(a) ? NAN64 : sign64(a) | INFINITY64;
  if (a << 1 == 0) return join(0, a);
  i32 wide = 0;
  u32 fraction = significand32(a, &wide);
  return join(fraction << 21, (a & SIGN32) + ((u32)(wide + 1023 - 127 - 1) << 20) + (fraction >> 11));
}

NAMED("f32.demote_f64") u32 demote(u64 a) {
  u32 high = upper(a), normal = (high & ~SIGN32) - ((1023 - 126) << 20);
  if (normal >= 253 << 20) goto any;
  u32 bits = (normal << 3) + 0x800000 + (lower(a) >> 29);
  return (high & SIGN32) | (bits + (((lower(a) & 0x1fffffff) + 0xfffffff + (bits & 1)) >> 29));
any:;
  i32 exponent = exponent64(a);
  if (exponent == 0x7ff) return is_nan64(a) ? NAN32 : (high & SIGN32) | INFINITY32;
  if (exponent == 0) return high & SIGN32; /* far below */
  u32 fraction = a >> 21;
  return pack32(high, exponent - (1023 - 127), fraction | SIGN32 | ((lower(a) & 0x1fffff) != 0));
}

INLINE u64 from_word64(u32 value, u32 sign) {
  if (value == 0) return 0;
  u32 zeros = __builtin_clz(value);
  value <<= zeros;
  return join(value << 21, sign + ((1023 + 31 - 1 - zeros) << 20) + (value >> 11));
}

SHARED u64 from_long64(u64 value, u32 sign) {
  if (value == 0) return 0;
  u32 zeros = __builtin_clzll(value);
  return pack64(sign, 1023 + 63 - (i32)zeros, value << zeros);
}

SHARED u32 from_word32(u32 value, u32 sign) {
  if (value == 0) return 0;
  u32 zeros = __builtin_clz(value);
  return pack32(sign, 127 + 31 - (i32)zeros, value << zeros);
}

SHARED u32 from_long32(u64 value, u32 sign) {
  if (value == 0) return 0;
  u32 zeros = __builtin_clzll(value);
  value <<= zeros;
  return pack32(sign, 127 + 63 - (i32)zeros, upper(value) | ((u32)value != 0));
}

NAMED("f64.convert_i32_u") u64 f64_u32(u32 a) { return from_word64(a, 0); }
NAMED("f64.convert_i32_s") u64 f64_i32(u32 a) { return from_word64((i32)a < 0 ? -a : a, a & SIGN32); }
NAMED("f64.convert_i64_u") u64 f64_u64(u64 a) { return from_long64(a, 0); }
NAMED("f64.convert_i64_s") u64 f64_i64(u64 a) { return from_long64((i64)a < 0 ? -a : a, upper(a)); }
NAMED("f32.convert_i32_u") u32 f32_u32(u32 a) { return from_word32(a, 0); }
NAMED("f32.convert_i32_s") u32 f32_i32(u32 a) { return from_word32((i32)a < 0 ? -a : a, a); }
NAMED("f32.convert_i64_u") u32 f32_u64(u64 a) { return from_long32(a, 0); }
NAMED("f32.convert_i64_s") u32 f32_i64(u64 a) { return from_long32((i64)a < 0 ? -a : a, upper(a)); }
