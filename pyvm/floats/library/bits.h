/* Types, the parts of a float, and the machine's instructions that C has no name for. */

#pragma once

typedef unsigned u32;
typedef int i32;
typedef unsigned long long u64;
typedef long long i64;

#define MACHINE(name) __attribute__((import_module("pyvm"), import_name(name)))
#define NAMED(name) __attribute__((export_name(name)))
#define SHARED static __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))
#define SELDOM(condition) __builtin_expect(!!(condition), 0)
/* A jump to here stays one: a choice between two values costs more. */
#define KEEP(value) __asm__ volatile("" : "+r"(value))

MACHINE("i64.sticky") u64 machine_sticky(u64 value, u64 count);
MACHINE("i64.mul_high_u") u64 mul_high(u64 a, u64 b);
MACHINE("i64.div_word_u") u64 div_word(u64 dividend, u32 divisor);
/* Halves of a number: each one of a local can be read and set on its own. */
MACHINE("i64.join") u64 join(u32 low, u32 high);
MACHINE("i64.lower") u32 lower(u64 a);
MACHINE("i64.upper") u32 upper(u64 a);
MACHINE("trap.overflow") _Noreturn void trap_overflow(void);
MACHINE("trap.conversion") _Noreturn void trap_conversion(void);

#define SIGN32 0x80000000u
#define INFINITY32 0x7f800000u
#define NAN32 0x7fc00000u
#define SIGN64 (1ull << 63)
#define INFINITY64 (0x7ffull << 52)
#define NAN64 (0x7ff8ull << 48)
#define FRACTION64 ((1ull << 52) - 1)

/* The upper half has the sign, the exponent and twenty bits of the fraction. */
INLINE u32 exponent64(u64 a) { return upper(a) >> 20 & 0x7ff; }
INLINE u32 exponent32(u32 a) { return a >> 23 & 0xff; }
INLINE u64 sign64(u32 high) { return (u64)(high & SIGN32) << 32; }

INLINE int is_nan64(u64 a) { return a << 1 > INFINITY64 << 1; }
INLINE int is_nan32(u32 a) { return a << 1 > INFINITY32 << 1; }

/* A shift to the right whose lowest bit says whether any bit was lost; any count. */
INLINE u64 shifted64(u64 value, u32 count) {
  if (SELDOM(count > 63)) return value != 0;
  return value >> count | machine_sticky(value, count);
}

INLINE u32 shifted32(u32 value, u32 count) {
  if (SELDOM(count > 31)) return value != 0;
  u32 rest = value >> count;
  return rest | (rest << count != value);
}
