/* The quotient, in two digits of 28 bits for f64, at once for f32.
 *
 * Numbers whose quotient is normal have a way of their own; everything else takes the way of
 * any_quotient.
 */

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

SHARED u64 any_quotient64(u64 a, u64 b) {
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

SHARED u32 any_quotient32(u32 a, u32 b) {
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

/* No quotient lies half way between two numbers: that would have more places than the dividend has.
 * So two or three places more than the result's are enough, and what remains then changes nothing.
 * Exponents are those of multiply.c.
 */
NAMED("f64.div") u64 div64(u64 a, u64 b) {
  u32 exponent = (upper(a) & 0x7ff00000) - 768 * 0x100000u;
  u32 other = (upper(b) & 0x7ff00000) - 768 * 0x100000u;
  if ((exponent | other) >= 512 * 0x100000u) goto any;
  exponent += 1021 * 0x100000u - other;
  exponent |= (upper(a) ^ upper(b)) & SIGN32;
  KEEP(exponent);
  u64 rest = a << 7, y = b << 8;
  rest = join(lower(rest), (upper(rest) & 0x7ffffff) | 0x8000000); /* a half of the significand */
  y = join(lower(y), (upper(y) & 0xfffffff) | 0x10000000);
  u32 digit = lower(div_word(rest >> 4, upper(y)));
  rest = (rest << 28) - digit * y;
  if (SELDOM((i32)upper(rest) < 0)) {
    rest += y;
    digit--;
    KEEP(rest);
    KEEP(digit);
  }
  u64 quotient = div_word(rest >> 4, upper(y)); /* or one less */
  u32 last = lower(quotient);
  quotient += (u64)digit << 28;
  if (upper(quotient) < 0x800000) goto shorter;
  if ((last & 7) == 4) goto exactly;
rounded:
  quotient = (quotient + 4) >> 3;
  return join(lower(quotient), upper(quotient) + exponent + 0x100000);
exactly:
  if ((i64)((rest << 28) - last * y) < 0) quotient--;
  goto rounded;
shorter:
  if ((last & 3) == 2) goto shorter_exactly;
rounded_shorter:
  quotient = (quotient + 2) >> 2;
  return join(lower(quotient), upper(quotient) + exponent);
shorter_exactly:
  if ((i64)((rest << 28) - last * y) < 0) quotient--;
  goto rounded_shorter;
any:
  return any_quotient64(a, b);
}

NAMED("f32.div") u32 div32(u32 a, u32 b) {
  u32 exponent = (a & INFINITY32) - 96 * 0x800000u, other = (b & INFINITY32) - 96 * 0x800000u;
  if ((exponent | other) >= 64 * 0x800000u) goto any;
  exponent += 125 * 0x800000u - other;
  exponent |= (a ^ b) & SIGN32;
  u64 dividend = (u64)((a & 0x7fffff) | 0x800000) << 26;
  u32 quotient = lower(div_word(dividend, (b & 0x7fffff) | 0x800000));
  if (quotient < 1u << 26) goto shorter;
  return ((quotient + 4) >> 3) + exponent + 0x800000;
shorter:
  return ((quotient + 2) >> 2) + exponent;
any:
  return any_quotient32(a, b);
}
