/* The sum.  A difference is the sum with the second sign turned.
 *
 * What the smaller number's significand becomes in units of the larger one's last place is added to
 * the larger number as it lies there, or subtracted, where that does not reach its exponent.  A sum
 * that reaches it, a difference of close numbers, and everything else have ways of their own.
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

/* Exponents stay where they lie.  `less` and one are the places that the smaller number's significand
 * is shifted by; the last of these places rounds, and the sum lies half way where that is the lowest
 * bit.
 */
#define EXPONENT64 0x7ff00000u /* in the upper half */
#define FIRST64 0x100000u
#define FIRST32 0x800000u
INLINE u64 plain64(u64 a) { return join(lower(a), (upper(a) & (FIRST64 - 1)) | FIRST64); }
INLINE u32 plain32(u32 a) { return (a & (FIRST32 - 1)) | FIRST32; }
INLINE u64 halved64(u64 a) { return (a + 1) >> 1; }
INLINE u32 halved32(u32 a) { return (a + 1) >> 1; }

/* The numbers have one sign, and the first one is not the smaller one by its exponent.  This is so
 * large that a number whose exponent is 0 can change nothing.
 */
INLINE u64 sum64(u64 a, u64 b) {
  u32 exponent = upper(a) & EXPONENT64, other = upper(b) & EXPONENT64;
  if (exponent - 55 * FIRST64 >= (0x7fe - 55) * FIRST64) goto any;
  u32 less = ((exponent - other) >> 20) - 1;
  if (less > 53) goto far;
  u64 y = plain64(b), result = a + halved64(y >> less), x;
  if ((upper(result) ^ upper(a)) >= FIRST64) goto carried;
  if (SELDOM(lower(__builtin_ctzll(y)) == less)) goto half;
  return result;
half:
  KEEP(result);
  return result & ~1ull;
carried:
  x = plain64(a) + (y >> (less + 1));
  if (lower(__builtin_ctzll(y)) > less) { /* perhaps half way */
    x += lower(x) >> 1 & 1;
    KEEP(x);
    x >>= 1;
    KEEP(x);
  } else {
    x = halved64(x);
  }
  return join(lower(x), upper(x) + (upper(a) & ~(FIRST64 - 1)));
far:
  if ((i32)less > 0) return a;
  x = join(lower(a), upper(a) & (FIRST64 - 1)) + join(lower(b), upper(b) & (FIRST64 - 1));
  x = (x + (lower(x) >> 1 & 1)) >> 1;
  return join(lower(x), upper(x) + (upper(a) & ~(FIRST64 - 1)) + FIRST64);
any:
  return any_sum64(a, b);
}

/* The numbers have two signs, and the first one is not the smaller one by its exponent. */
INLINE u64 difference64(u64 a, u64 b) {
  u32 exponent = upper(a) & EXPONENT64, other = upper(b) & EXPONENT64, zeros;
  if (exponent - 55 * FIRST64 >= (0x7ff - 55) * FIRST64) goto any;
  u32 less = ((exponent - other) >> 20) - 1;
  u64 y = plain64(b), x, result;
  if ((i32)less <= 0) goto close;
  if (less > 53) goto far;
  result = a - halved64(y >> less);
  if ((upper(result) ^ upper(a)) >= FIRST64) goto shorter;
  if (lower(result) == 0) goto perhaps_power;
rounded:
  if (SELDOM(lower(__builtin_ctzll(y)) == less)) goto half;
  return result;
half:
  KEEP(result);
  return result + (lower(result) & 1);
perhaps_power: /* below a power of two the places are half as large */
  if ((upper(result) & (FIRST64 - 1)) == 0) goto shorter;
  goto rounded;
shorter: /* by one place, as the second number is at most a half of the first one */
  if (exponent < 3 * FIRST64) goto any;
  x = (plain64(a) << 1) - halved64(y >> (less - 1));
  if (lower(__builtin_ctzll(y)) == less - 1) x += lower(x) & 1;
  if (upper(x) >= 2 * FIRST64) return join(0, upper(a) & ~(FIRST64 - 1));
  return join(lower(x), upper(x) + (upper(a) & ~(FIRST64 - 1)) - 2 * FIRST64);
close: /* no bit is lost but one */
  x = plain64(a) << 1;
  if (less == 0) {
    x -= y;
  } else {
    x -= y << 1;
    if (x == 0) return 0;
    if ((i32)upper(x) < 0) {
      u64 larger = b;
      b = a;
      a = larger;
      x = -x;
    }
  }
  zeros = lower(__builtin_clzll(x)) - 9;
  if (exponent < zeros << 20) goto any; /* subnormal */
  if (zeros == 1)
    x = (x + (lower(x) >> 1 & 1)) >> 1;
  else
    x <<= zeros - 2;
  return join(lower(x), upper(x) + (upper(a) & ~(FIRST64 - 1)) - (zeros << 20));
far:
  if (lower(a) || (upper(a) & (FIRST64 - 1))) return a;
any:
  return any_sum64(a, b);
}

NAMED("f64.add") u64 add64(u64 a, u64 b) {
  if ((i32)(upper(a) ^ upper(b)) < 0) {
    if ((upper(a) ^ SIGN32) < upper(b)) return difference64(b, a);
    return difference64(a, b);
  }
  if (upper(a) < upper(b)) return sum64(b, a);
  return sum64(a, b);
}

INLINE u32 sum32(u32 a, u32 b) {
  u32 exponent = a & INFINITY32, other = b & INFINITY32;
  if (exponent - 26 * FIRST32 >= (0xfe - 26) * FIRST32) goto any;
  u32 less = ((exponent - other) >> 23) - 1;
  if (less > 24) goto far;
  u32 y = plain32(b), result = a + halved32(y >> less), x;
  if ((result ^ a) >= FIRST32) goto carried;
  if (SELDOM((u32)__builtin_ctz(y) == less)) goto half;
  return result;
half:
  KEEP(result);
  return result & ~1u;
carried:
  x = plain32(a) + (y >> (less + 1));
  if ((u32)__builtin_ctz(y) > less) { /* perhaps half way */
    x += x >> 1 & 1;
    KEEP(x);
    x >>= 1;
    KEEP(x);
  } else {
    x = halved32(x);
  }
  return x + (a & ~(FIRST32 - 1));
far:
  if ((i32)less > 0) return a;
  x = (a & (FIRST32 - 1)) + (b & (FIRST32 - 1));
  return ((x + (x >> 1 & 1)) >> 1) + (a & ~(FIRST32 - 1)) + FIRST32;
any:
  return any_sum32(a, b);
}

INLINE u32 difference32(u32 a, u32 b) {
  u32 exponent = a & INFINITY32, other = b & INFINITY32, zeros;
  if (exponent - 26 * FIRST32 >= (0xff - 26) * FIRST32) goto any;
  u32 less = ((exponent - other) >> 23) - 1;
  u32 y = plain32(b), x, result;
  if ((i32)less <= 0) goto close;
  if (less > 24) goto far;
  result = a - halved32(y >> less);
  if ((result ^ a) >= FIRST32 || (result & (FIRST32 - 1)) == 0) goto shorter;
  if (SELDOM((u32)__builtin_ctz(y) == less)) goto half;
  return result;
half:
  KEEP(result);
  return result + (result & 1);
shorter:
  if (exponent < 3 * FIRST32) goto any;
  x = (plain32(a) << 1) - halved32(y >> (less - 1));
  if ((u32)__builtin_ctz(y) == less - 1) x += x & 1;
  if (x >= 2 * FIRST32) return a & ~(FIRST32 - 1);
  return x + (a & ~(FIRST32 - 1)) - 2 * FIRST32;
close:
  x = plain32(a) << 1;
  if (less == 0) {
    x -= y;
  } else {
    x -= y << 1;
    if (x == 0) return 0;
  }
  zeros = __builtin_clz(x) - 6;
  if (exponent < zeros << 23) goto any; /* subnormal */
  if (zeros == 1)
    x = (x + (x >> 1 & 1)) >> 1;
  else
    x <<= zeros - 2;
  return x + (a & ~(FIRST32 - 1)) - (zeros << 23);
far:
  if (a & (FIRST32 - 1)) return a;
any:
  return any_sum32(a, b);
}

NAMED("f32.add") u32 add32(u32 a, u32 b) {
  if ((i32)(a ^ b) < 0) {
    if ((a ^ SIGN32) < b) return difference32(b, a);
    return difference32(a, b);
  }
  if (a < b) return sum32(b, a);
  return sum32(a, b);
}
