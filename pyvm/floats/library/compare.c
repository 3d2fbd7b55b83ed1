/* Comparisons, minimum and maximum.  Bits of floats of one sign are ordered as the floats are. */

#include "bits.h"

/* Neither is a NaN.  The usual case is told by the upper halves alone. */
INLINE int ordered64(u64 a, u64 b) {
  if (SELDOM((upper(a) & ~SIGN32) >= 0x7ff00000 && is_nan64(a))) return 0;
  return !SELDOM((upper(b) & ~SIGN32) >= 0x7ff00000 && is_nan64(b));
}

INLINE int ordered32(u32 a, u32 b) { return !is_nan32(a) && !is_nan32(b); }

/* Numbers that are not negative are compared at once. */
INLINE int less64(u64 a, u64 b, int or_same) {
  if (upper(a) >= 0x7ff00000 || upper(b) >= 0x7ff00000) goto any;
  return or_same ? a <= b : a < b;
any:
  if (!ordered64(a, b)) return 0;
  if ((i32)(upper(a) & upper(b)) < 0) return or_same ? a >= b : a > b;
  if ((a | b) << 1 == 0) return or_same;
  return or_same ? (i64)a <= (i64)b : (i64)a < (i64)b;
}

INLINE int less32(u32 a, u32 b, int or_same) {
  if (a >= INFINITY32 || b >= INFINITY32) goto any;
  return or_same ? a <= b : a < b;
any:
  if (!ordered32(a, b)) return 0;
  if ((i32)(a & b) < 0) return or_same ? a >= b : a > b;
  if ((a | b) << 1 == 0) return or_same;
  return or_same ? (i32)a <= (i32)b : (i32)a < (i32)b;
}

INLINE int same64(u64 a, u64 b) {
  if (a == b) return !SELDOM((upper(a) & ~SIGN32) >= 0x7ff00000 && is_nan64(a));
  return (upper(a) | upper(b)) << 1 == 0 && (lower(a) | lower(b)) == 0;
}

INLINE int same32(u32 a, u32 b) {
  if (a == b) return !is_nan32(a);
  return (a | b) << 1 == 0;
}

NAMED("f64.eq") int eq64(u64 a, u64 b) { return same64(a, b); }
NAMED("f64.ne") int ne64(u64 a, u64 b) { return !same64(a, b); }
NAMED("f64.lt") int lt64(u64 a, u64 b) { return less64(a, b, 0); }
NAMED("f64.gt") int gt64(u64 a, u64 b) { return less64(b, a, 0); }
NAMED("f64.le") int le64(u64 a, u64 b) { return less64(a, b, 1); }
NAMED("f64.ge") int ge64(u64 a, u64 b) { return less64(b, a, 1); }

NAMED("f32.eq") int eq32(u32 a, u32 b) { return same32(a, b); }
NAMED("f32.ne") int ne32(u32 a, u32 b) { return !same32(a, b); }
NAMED("f32.lt") int lt32(u32 a, u32 b) { return less32(a, b, 0); }
NAMED("f32.gt") int gt32(u32 a, u32 b) { return less32(b, a, 0); }
NAMED("f32.le") int le32(u32 a, u32 b) { return less32(a, b, 1); }
NAMED("f32.ge") int ge32(u32 a, u32 b) { return less32(b, a, 1); }

/* Here the negative zero is below the positive one. */
INLINE int below64(u64 a, u64 b) { return (i32)(upper(a) & upper(b)) < 0 ? a > b : (i64)a < (i64)b; }
INLINE int below32(u32 a, u32 b) { return (i32)(a & b) < 0 ? a > b : (i32)a < (i32)b; }

NAMED("f64.min") u64 min64(u64 a, u64 b) { return !ordered64(a, b) ? NAN64 : below64(a, b) ? a : b; }

NAMED("f64.max") u64 max64(u64 a, u64 b) { return !ordered64(a, b) ? NAN64 : below64(a, b) ? b : a; }

NAMED("f32.min") u32 min32(u32 a, u32 b) { return !ordered32(a, b) ? NAN32 : below32(a, b) ? a : b; }

NAMED("f32.max") u32 max32(u32 a, u32 b) { return !ordered32(a, b) ? NAN32 : below32(a, b) ? b : a; }
