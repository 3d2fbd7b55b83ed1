/* The product: the upper half of that of the significands; the lower one decides how it is rounded.
 *
 * Normal numbers whose product is normal have a way of their own; everything else takes the way of
 * any_product.
 */

#include "pack.h"

SHARED u64 any_product64(u64 a, u64 b) {
  u32 sign = upper(a) ^ upper(b);
  i32 exponent = exponent64(a), other = exponent64(b);
  if (exponent == 0x7ff || other == 0x7ff) {
    if (is_nan64(a) || is_nan64(b) || a << 1 == 0 || b << 1 == 0) return NAN64;
    return sign64(sign) | INFINITY64;
  }
  if (a << 1 == 0 || b << 1 == 0) return sign64(sign);
  u64 x = significand64(a, &exponent), y = significand64(b, &other);
  u64 product = mul_high(x, y) | (x * y != 0);
  exponent += other - 1022;
  if ((i64)product >= 0) {
    product <<= 1;
    exponent--;
  }
  return pack64(sign, exponent, product);
}

SHARED u32 any_product32(u32 a, u32 b) {
  u32 sign = a ^ b;
  i32 exponent = exponent32(a), other = exponent32(b);
  if (exponent == 0xff || other == 0xff) {
    if (is_nan32(a) || is_nan32(b) || a << 1 == 0 || b << 1 == 0) return NAN32;
    return (sign & SIGN32) | INFINITY32;
  }
  if (a << 1 == 0 || b << 1 == 0) return sign & SIGN32;
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

/* The exponents stay where they lie.  Between 2^-255 and 2^256 nothing can overflow.  That of the
 * result is less one: the first bit of its significand counts one, and so does a carry.
 */
NAMED("f64.mul") u64 mul64(u64 a, u64 b) {
  u32 exponent = (upper(a) & 0x7ff00000) - 768 * 0x100000u;
  u32 other = (upper(b) & 0x7ff00000) - 768 * 0x100000u;
  if ((exponent | other) >= 512 * 0x100000u) goto any;
  exponent += other + (1536 - 1024) * 0x100000u;
  exponent |= (upper(a) ^ upper(b)) & SIGN32;
  KEEP(exponent);
  u64 x = join(lower(a), (upper(a) & 0xfffff) | 0x100000), y = b << 11 | SIGN64;
  u64 product = mul_high(x, y), rest = x * y; /* of 52 or 53 bits, and 64 more */
  if (upper(product) < 0x100000) goto shorter;
  if (lower(rest) == 0) goto perhaps_half;
rounded:
  return join(lower(product), upper(product) + exponent + 0x100000) + (upper(rest) >> 31);
perhaps_half: /* then to the even one */
  if (upper(rest) != SIGN32) goto rounded;
  product += lower(product) & 1;
  return join(lower(product), upper(product) + exponent + 0x100000);
shorter:
  product <<= 1;
  if (lower(rest) == 0) goto perhaps_half_of_shorter;
rounded_shorter:
  return join(lower(product), upper(product) + exponent) + (((upper(rest) >> 30) + 1) >> 1);
perhaps_half_of_shorter:
  if ((upper(rest) & ~SIGN32) != 1u << 30) goto rounded_shorter;
  product += upper(rest) >> 31;
  product += lower(product) & 1;
  return join(lower(product), upper(product) + exponent);
any:
  return any_product64(a, b);
}

NAMED("f32.mul") u32 mul32(u32 a, u32 b) {
  u32 exponent = (a & INFINITY32) - 96 * 0x800000u, other = (b & INFINITY32) - 96 * 0x800000u;
  if ((exponent | other) >= 64 * 0x800000u) goto any;
  exponent += other + (192 - 128) * 0x800000u;
  exponent |= (a ^ b) & SIGN32;
  KEEP(exponent);
  u64 whole = (u64)((a & 0x7fffff) | 0x800000) * (b << 8 | SIGN32);
  if (upper(whole) < 0x800000) goto shorter;
  if (lower(whole) == SIGN32) goto any; /* half way */
  return upper(whole) + exponent + 0x800000 + (lower(whole) >> 31);
shorter:
  if ((lower(whole) & ~SIGN32) == 1u << 30) goto any;
  return (upper(whole) << 1) + exponent + (((lower(whole) >> 30) + 1) >> 1);
any:
  return any_product32(a, b);
}
