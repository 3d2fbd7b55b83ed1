/* The product: the upper half of that of the significands, and whether the lower one is zero. */

#include "pack.h"

NAMED("f64.mul") u64 mul64(u64 a, u64 b) {
  u32 sign = upper(a) ^ upper(b);
  i32 exponent = exponent64(a), other = exponent64(b);
  if (SELDOM(exponent == 0x7ff || other == 0x7ff)) {
    if (is_nan64(a) || is_nan64(b) || a << 1 == 0 || b << 1 == 0) return NAN64;
    return sign64(sign) | INFINITY64;
  }
  if (SELDOM((exponent == 0 && a << 1 == 0) || (other == 0 && b << 1 == 0))) return sign64(sign);
  u64 x = significand64(a, &exponent), y = significand64(b, &other);
  u64 product = mul_high(x, y) | (x * y != 0);
  exponent += other - 1022;
  if ((i64)product >= 0) {
    product <<= 1;
    exponent--;
  }
  return pack64(sign, exponent, product);
}

NAMED("f32.mul") u32 mul32(u32 a, u32 b) {
  u32 sign = a ^ b;
  i32 exponent = exponent32(a), other = exponent32(b);
  if (SELDOM(exponent == 0xff || other == 0xff)) {
    if (is_nan32(a) || is_nan32(b) || a << 1 == 0 || b << 1 == 0) return NAN32;
    return (sign & SIGN32) | INFINITY32;
  }
  if (SELDOM((exponent == 0 && a << 1 == 0) || (other == 0 && b << 1 == 0))) return sign & SIGN32;
  u32 x = significand32(a, &exponent), y = significand32(b, &other);
  u64 whole = (u64)x * y;
  u32 product = upper(whole) | ((u32)whole != 0);
  exponent += other - 126;
  if ((i32)product >= 0) {
    product <<= 1;
    exponent--;
  }
  return pack32(sign, exponent, product);
}
