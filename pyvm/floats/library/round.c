/* To integers that are floats.  What the fraction has below the point is a mask of the lowest bits:
 * a number that is added there carries into the integer, and into the exponent where it must.
 */

#include "bits.h"

enum { TRUNC, FLOOR, CEIL, NEAREST };

INLINE u64 rounded64(u64 a, int how) {
  u32 high = upper(a), exponent = high >> 20 & 0x7ff;
  if (exponent < 1023) { /* below 1 */
    if (a << 1 != 0) {
      if (how == FLOOR && (i32)high < 0) return SIGN64 | 1023ull << 52;
      if (how == CEIL && (i32)high >= 0) return 1023ull << 52;
      if (how == NEAREST && a << 1 > 1022ull << 53) return sign64(high) | 1023ull << 52;
    }
    return sign64(high);
  }
  if (exponent >= 1075) return SELDOM(is_nan64(a)) ? NAN64 : a;
  u64 mask = FRACTION64 >> (exponent - 1023);
  if (how == FLOOR && (i32)high < 0) a += mask;
  if (how == CEIL && (i32)high >= 0) a += mask;
  if (how == NEAREST) a += (mask >> 1) + (a >> (1075 - exponent) & 1);
  return a & ~mask;
}

INLINE u32 rounded32(u32 a, int how) {
  u32 exponent = exponent32(a);
  if (exponent < 127) {
    if (a << 1 != 0) {
      if (how == FLOOR && (i32)a < 0) return SIGN32 | 127u << 23;
      if (how == CEIL && (i32)a >= 0) return 127u << 23;
      if (how == NEAREST && a << 1 > 126u << 24) return (a & SIGN32) | 127u << 23;
    }
    return a & SIGN32;
  }
  if (exponent >= 150) return SELDOM(is_nan32(a)) ? NAN32 : a;
  u32 mask = 0x7fffffu >> (exponent - 127);
  if (how == FLOOR && (i32)a < 0) a += mask;
  if (how == CEIL && (i32)a >= 0) a += mask;
  if (how == NEAREST) a += (mask >> 1) + (a >> (150 - exponent) & 1);
  return a & ~mask;
}

NAMED("f64.trunc") u64 trunc64(u64 a) { return rounded64(a, TRUNC); }
NAMED("f64.floor") u64 floor64(u64 a) { return rounded64(a, FLOOR); }
NAMED("f64.ceil") u64 ceil64(u64 a) { return rounded64(a, CEIL); }
NAMED("f64.nearest") u64 nearest64(u64 a) { return rounded64(a, NEAREST); }
NAMED("f32.trunc") u32 trunc32(u32 a) { return rounded32(a, TRUNC); }
NAMED("f32.floor") u32 floor32(u32 a) { return rounded32(a, FLOOR); }
NAMED("f32.ceil") u32 ceil32(u32 a) { return rounded32(a, CEIL); }
NAMED("f32.nearest") u32 nearest32(u32 a) { return rounded32(a, NEAREST); }
