/* To integers: what is out of range traps, or becomes the nearest integer that there is. */

#include "convert.c"

/* The magnitude below 2^64, without what is below the point. */
INLINE u64 magnitude(u64 a, u32 exponent) {
  u64 significand = a << 11 | SIGN64;
  return exponent < 1023 ? 0 : significand >> (1023 + 63 - exponent);
}

#define TO_LONG(name, of, from, given, widened, trapping)                       \
  NAMED("i64." name "_" of "_s") u64 from##_s(given number) {                   \
    u64 a = widened(number);                                                    \
    u32 high = upper(a), exponent = high >> 20 & 0x7ff;                         \
    if (SELDOM(exponent >= 1023 + 63)) {                                        \
      if (a == (SIGN64 | 1086ull << 52)) return SIGN64;                         \
      if (is_nan64(a)) {                                                        \
        if (trapping) trap_conversion();                                        \
        return 0;                                                               \
      }                                                                         \
      if (trapping) trap_overflow();                                            \
      return (i32)high < 0 ? SIGN64 : SIGN64 - 1;                               \
    }                                                                           \
    u64 result = magnitude(a, exponent);                                        \
    return (i32)high < 0 ? -result : result;                                    \
  }                                                                             \
  NAMED("i64." name "_" of "_u") u64 from##_u(given number) {                   \
    u64 a = widened(number);                                                    \
    u32 high = upper(a), exponent = high >> 20 & 0x7ff;                         \
    if (SELDOM(exponent >= 1023 + 64 || ((i32)high < 0 && exponent >= 1023))) { \
      if (is_nan64(a)) {                                                        \
        if (trapping) trap_conversion();                                        \
        return 0;                                                               \
      }                                                                         \
      if (trapping) trap_overflow();                                            \
      return (i32)high < 0 ? 0 : ~0ull;                                         \
    }                                                                           \
    return magnitude(a, exponent);                                              \
  }

#define TO_WORD(name, of, from, given, widened, trapping)                                       \
  NAMED("i32." name "_" of "_s") u32 from##_s(given number) {                                   \
    u64 a = widened(number);                                                                    \
    u32 high = upper(a), exponent = high >> 20 & 0x7ff;                                         \
    if (SELDOM(exponent >= 1023 + 31)) {                                                        \
      if ((i32)high < 0 && exponent == 1023 + 31 && (a & FRACTION64) >> 21 == 0) return SIGN32; \
      if (is_nan64(a)) {                                                                        \
        if (trapping) trap_conversion();                                                        \
        return 0;                                                                               \
      }                                                                                         \
      if (trapping) trap_overflow();                                                            \
      return (i32)high < 0 ? SIGN32 : SIGN32 - 1;                                               \
    }                                                                                           \
    if (exponent < 1023) return 0;                                                              \
    u32 result = ((u32)(a >> 21) | SIGN32) >> (1023 + 31 - exponent);                           \
    return (i32)high < 0 ? -result : result;                                                    \
  }                                                                                             \
  NAMED("i32." name "_" of "_u") u32 from##_u(given number) {                                   \
    u64 a = widened(number);                                                                    \
    u32 high = upper(a), exponent = high >> 20 & 0x7ff;                                         \
    if (exponent < 1023) return 0;                                                              \
    if (SELDOM(exponent >= 1023 + 32 || (i32)high < 0)) {                                       \
      if (is_nan64(a)) {                                                                        \
        if (trapping) trap_conversion();                                                        \
        return 0;                                                                               \
      }                                                                                         \
      if (trapping) trap_overflow();                                                            \
      return (i32)high < 0 ? 0 : ~0u;                                                           \
    }                                                                                           \
    return ((u32)(a >> 21) | SIGN32) >> (1023 + 31 - exponent);                                 \
  }

TO_LONG("trunc", "f64", trunc_long64, u64, , 1)
TO_LONG("trunc", "f32", trunc_long32, u32, promoted, 1)
TO_LONG("trunc_sat", "f64", sat_long64, u64, , 0)
TO_LONG("trunc_sat", "f32", sat_long32, u32, promoted, 0)
TO_WORD("trunc", "f64", trunc_word64, u64, , 1)
TO_WORD("trunc", "f32", trunc_word32, u32, promoted, 1)
TO_WORD("trunc_sat", "f64", sat_word64, u64, , 0)
TO_WORD("trunc_sat", "f32", sat_word32, u32, promoted, 0)
