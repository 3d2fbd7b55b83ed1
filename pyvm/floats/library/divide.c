/* The quotient, in two digits of 28 bits for f64, at once for f32. */

#include "pack.h"

/* The next digit of rest / y, where rest < y and 2^60 <= y < 2^61.  The guess, by the upper word of
 * y, is the digit or one more.
 */
INLINE u32 digit(u64* rest, u64 y) {
  u32 guess = div_word(*rest >> 4, upper(y));
  *rest = (*rest << 28) - (u64)guess * y;
  if ((i64)*rest < 0) {
    *rest += y;
    guess--;
  }
  return guess;
}

NAMED("f64.div") u64 div64(u64 a, u64 b) {
  u32 sign = upper(a) ^ upper(b);
  i32 exponent = exponent64(a), other = exponent64(b);
  if (SELDOM(exponent == 0x7ff || other == 0x7ff)) {
    if (is_nan64(a) || is_nan64(b) || exponent == other) return NAN64;
    return sign64(sign) | (exponent == 0x7ff ? INFINITY64 : 0);
  }
  if (SELDOM((exponent == 0 && a << 1 == 0) || (other == 0 && b << 1 == 0))) {
    if (b << 1) return sign64(sign);
    return a << 1 ? sign64(sign) | INFINITY64 : NAN64;
  }
  u64 x = significand64(a, &exponent) >> 3, y = significand64(b, &other) >> 3;
  exponent += 1023 - other;
  if (x < y)
    exponent--;
  else
    x >>= 1; /* its lowest bits are zero */
  u64 first = digit(&x, y);
  u64 quotient = first << 28 | digit(&x, y);
  return pack64(sign, exponent, quotient << 8 | (x != 0));
}

NAMED("f32.div") u32 div32(u32 a, u32 b) {
  u32 sign = a ^ b;
  i32 exponent = exponent32(a), other = exponent32(b);
  if (SELDOM(exponent == 0xff || other == 0xff)) {
    if (is_nan32(a) || is_nan32(b) || exponent == other) return NAN32;
    return (sign & SIGN32) | (exponent == 0xff ? INFINITY32 : 0);
  }
  if (SELDOM((exponent == 0 && a << 1 == 0) || (other == 0 && b << 1 == 0))) {
    if (b << 1) return sign & SIGN32;
    return a << 1 ? (sign & SIGN32) | INFINITY32 : NAN32;
  }
  u32 x = significand32(a, &exponent), y = significand32(b, &other);
  exponent += 126 - other;
  u64 dividend = (u64)x << 31;
  if (x >= y)
    exponent++;
  else
    dividend <<= 1;
  u32 quotient = div_word(dividend, y);
  if (quotient * y != (u32)dividend) quotient |= 1;
  return pack32(sign, exponent, quotient);
}
