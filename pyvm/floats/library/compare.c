/* Comparisons, minimum and maximum.  Bits of floats of one sign are ordered as the floats are. */

#include "bits.h"

/* Neither is a NaN.  The usual case is told by the upper halves alone. */
INLINE int ordered64(u64 a, u64 b) {
  if (SELDOM((upper(a) & ~SIGN32) >= 0x7ff00000 && is_nan64(a))) return 0;
  return !SELDOM((upper(b) & ~SIGN32) >= 0x7ff00000 && is_nan64(b));
}

INLINE int ordered32(u32 a, u32 b) { return !is_nan32(a) && !is_nan32(b); }

INLINE int less64(u64 a, u64 b) {
  if ((i32)(upper(a) & upper(b)) < 0) return a > b;
  return (i64)a < (i64)b && (a | b) << 1 != 0;
}

INLINE int less32(u32 a, u32 b) {
  if ((i32)(a & b) < 0) return a > b;
  return (i32)a < (i32)b && (a | b) << 1 != 0;
}

INLINE int same64(u64 a, u64 b) { return a == b || (a | b) << 1 == 0; }
INLINE int same32(u32 a, u32 b) { return a == b || (a | b) << 1 == 0; }

NAMED("f64.eq") int eq64(u64 a, u64 b) { return same64(a, b) && ordered64(a, a); }
NAMED("f64.ne") int ne64(u64 a, u64 b) { return !(same64(a, b) && ordered64(a, a)); }
NAMED("f64.lt") int lt64(u64 a, u64 b) { return ordered64(a, b) && less64(a, b); }
NAMED("f64.gt") int gt64(u64 a, u64 b) { return ordered64(a, b) && less64(b, a); }
NAMED("f64.le") int le64(u64 a, u64 b) { return ordered64(a, b) && !less64(b, a); }
NAMED("f64.ge") int ge64(u64 a, u64 b) { return ordered64(a, b) && !less64(a, b); }

NAMED("f32.eq") int eq32(u32 a, u32 b) { return same32(a, b) && !is_nan32(a); }
NAMED("f32.ne") int ne32(u32 a, u32 b) { return !(same32(a, b) && !is_nan32(a)); }
NAMED("f32.lt") int lt32(u32 a, u32 b) { return ordered32(a, b) && less32(a, b); }
NAMED("f32.gt") int gt32(u32 a, u32 b) { return ordered32(a, b) && less32(b, a); }
NAMED("f32.le") int le32(u32 a, u32 b) { return ordered32(a, b) && !less32(b, a); }
NAMED("f32.ge") int ge32(u32 a, u32 b) { return ordered32(a, b) && !less32(a, b); }

/* Here the negative zero is below the positive one. */
INLINE int below64(u64 a, u64 b) { return (i32)(upper(a) & upper(b)) < 0 ? a > b : (i64)a < (i64)b; }
INLINE int below32(u32 a, u32 b) { return (i32)(a & b) < 0 ? a > b : (i32)a < (i32)b; }

NAMED("f64.min") u64 min64(u64 a, u64 b) { return !ordered64(a, b) ? NAN64 : below64(a, b) ? a : b; }

NAMED("f64.max") u64 max64(u64 a, u64 b) { return !ordered64(a, b) ? NAN64 : below64(a, b) ? b : a; }

NAMED("f32.min") u32 min32(u32 a, u32 b) { return !ordered32(a, b) ? NAN32 : below32(a, b) ? a : b; }

NAMED("f32.max") u32 max32(u32 a, u32 b) { return !ordered32(a, b) ? NAN32 : below32(a, b) ? b : a; }
