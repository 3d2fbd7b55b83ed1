/* To integers: what is out of range traps, or becomes the nearest integer that there is. */

#include "convert.c"

INLINE void refuse(int nan, int trapping) {
  if (!trapping) return;
  if (nan) trap_conversion();
  trap_overflow();
}

INLINE u32 word_s(u32 high, u32 fraction, u32 exponent, int nan, int trapping) {
  if (exponent < 31) {
    u32 result = (fraction | SIGN32) >> (31 - exponent);
    return (i32)high < 0 ? -result : result;
  }
  if ((i32)exponent < 0) return 0;
  if ((i32)high < 0 && exponent == 31 && fraction << 1 == 0) return SIGN32;
  refuse(nan, trapping);
  return nan ? 0 : (i32)high < 0 ? SIGN32 : SIGN32 - 1;
}

INLINE u32 word_u(u32 high, u32 fraction, u32 exponent, int nan, int trapping) {
  if (exponent < 32 && (i32)high >= 0) return (fraction | SIGN32) >> (31 - exponent);
  if ((i32)exponent < 0) return 0;
  refuse(nan, trapping);
  return nan || (i32)high < 0 ? 0 : ~0u;
}

INLINE u64 long_s(u32 high, u64 fraction, u32 exponent, int nan, int trapping) {
  if (exponent < 63) {
    u64 result = (fraction | SIGN64) >> (63 - exponent);
    if ((i32)high >= 0) return result;
    KEEP(result);
    return -result;
  }
  if ((i32)exponent < 0) return 0;
  if ((i32)high < 0 && exponent == 63 && fraction << 1 == 0) return SIGN64;
  refuse(nan, trapping);
  return nan ? 0 : (i32)high < 0 ? SIGN64 : SIGN64 - 1;
}

INLINE u64 long_u(u32 high, u64 fraction, u32 exponent, int nan, int trapping) {
  if (exponent < 64 && (i32)high >= 0) return (fraction | SIGN64) >> (63 - exponent);
  if ((i32)exponent < 0) return 0;
  refuse(nan, trapping);
  return nan || (i32)high < 0 ? 0 : ~0ull;
}

#define PARTS64(a) (upper(a) >> 20 & 0x7ff) - 1023, is_nan64(a)
#define PARTS32(a) exponent32(a) - 127, is_nan32(a)
#define WORD64(a) upper(a), upper(a) << 11 | lower(a) >> 21, PARTS64(a)
#define WORD32(a) (a), (a) << 8, PARTS32(a)
#define LONG64(a) upper(a), (a) << 11, PARTS64(a)
#define LONG32(a) (a), join(0, (a) << 8), PARTS32(a)

#define TO_INTEGERS(name, short_name, trapping)                                                        \
  NAMED("i32." name "_f64_s") u32 short_name##_word_s64(u64 a) { return word_s(WORD64(a), trapping); } \
  NAMED("i32." name "_f64_u") u32 short_name##_word_u64(u64 a) { return word_u(WORD64(a), trapping); } \
  NAMED("i32." name "_f32_s") u32 short_name##_word_s32(u32 a) { return word_s(WORD32(a), trapping); } \
  NAMED("i32." name "_f32_u") u32 short_name##_word_u32(u32 a) { return word_u(WORD32(a), trapping); } \
  NAMED("i64." name "_f64_s") u64 short_name##_long_s64(u64 a) { return long_s(LONG64(a), trapping); } \
  NAMED("i64." name "_f64_u") u64 short_name##_long_u64(u64 a) { return long_u(LONG64(a), trapping); } \
  NAMED("i64." name "_f32_s") u64 short_name##_long_s32(u32 a) { return long_s(LONG32(a), trapping); } \
  NAMED("i64." name "_f32_u") u64 short_name##_long_u32(u32 a) { return long_u(LONG32(a), trapping); }

TO_INTEGERS("trunc", trunc, 1)
TO_INTEGERS("trunc_sat", sat, 0)
