/* A float as text: the shortest digits that name it, without an exponent, as Rust and wasmtime show
 * it.  After Steele and White, "How to Print Floating-Point Numbers Accurately" (1990).
 *
 * The numbers lie at the beginning of the memory: nobody prints a float while a program runs.
 */

#include "bits.h"

MACHINE("output") void output(u32 byte);

enum { WORDS = 40 }; /* 2^1130 and ten times that */
#define NUMBER(i) ((u32*)1024 + (i) * WORDS)
#define REST NUMBER(0)  /* what the digits so far leave, */
#define WHOLE NUMBER(1) /* of so much */
#define BELOW NUMBER(2) /* half the way to the next float below, */
#define ABOVE NUMBER(3) /* and above */
#define SUM NUMBER(4)

INLINE void set(u32* number, u32 words, u64 value, u32 shift) {
  for (u32 i = 0; i < words; i++) number[i] = 0;
  u32 at = shift >> 5, bits = shift & 31;
  number[at] = (u32)value << bits;
  value = value >> (32 - bits);
  number[at + 1] = (u32)value;
  number[at + 2] = upper(value);
}

SHARED void times_ten(u32* number, u32 words) {
  u64 carry = 0;
  for (u32 i = 0; i < words; i++) {
    carry += (u64)number[i] * 10;
    number[i] = (u32)carry;
    carry >>= 32;
  }
}

/* -1, 0 or 1. */
SHARED i32 compared(u32* a, u32* b, u32 words) {
  while (words--)
    if (a[words] != b[words]) return a[words] < b[words] ? -1 : 1;
  return 0;
}

SHARED void subtract(u32* a, u32* b, u32 words) {
  i64 carry = 0;
  for (u32 i = 0; i < words; i++) {
    carry += (i64)a[i] - b[i];
    a[i] = (u32)carry;
    carry >>= 32;
  }
}

SHARED void add_into_sum(u32* a, u32* b, u32 words) {
  u64 carry = 0;
  for (u32 i = 0; i < words; i++) {
    carry += (u64)a[i] + b[i];
    SUM[i] = (u32)carry;
    carry >>= 32;
  }
}

/* Significand times 2^exponent; `narrow`: the next float below is only half as far as that above. */
SHARED void print(u64 significand, i32 exponent, int narrow) {
  u32 words = ((exponent < 0 ? -exponent : exponent) + 64 + 8) / 32 + 4;
  u32 up = exponent < 0 ? 0 : exponent;
  set(REST, words, significand, up + 1 + narrow);
  set(WHOLE, words, 1, up - exponent + 1 + narrow);
  set(BELOW, words, 1, up);
  set(ABOVE, words, 1, up + narrow);
  i32 even = !(significand & 1); /* then what lies half way is read as this float, too */
  i32 point = 0;
  for (;;) { /* the first digit is behind the point */
    add_into_sum(REST, ABOVE, words);
    if (compared(SUM, WHOLE, words) + even <= 0) break;
    times_ten(WHOLE, words);
    point++;
  }
  for (;;) {
    times_ten(SUM, words);
    if (compared(SUM, WHOLE, words) + even > 0) break;
    times_ten(REST, words);
    times_ten(BELOW, words);
    times_ten(ABOVE, words);
    add_into_sum(REST, ABOVE, words);
    point--;
  }
  if (point <= 0) {
    output('0');
    output('.');
    for (i32 i = point; i < 0; i++) output('0');
  }
  for (int last = 0; !last;) {
    times_ten(REST, words);
    times_ten(BELOW, words);
    times_ten(ABOVE, words);
    u32 figure = 0;
    while (compared(REST, WHOLE, words) >= 0) {
      subtract(REST, WHOLE, words);
      figure++;
    }
    int low = compared(REST, BELOW, words) - even < 0;
    add_into_sum(REST, ABOVE, words);
    int high = compared(SUM, WHOLE, words) + even > 0;
    last = low | high;
    if (low & high) {
      add_into_sum(REST, REST, words);
      high = compared(SUM, WHOLE, words) >= 0;
    }
    output('0' + figure + high);
    point--;
    if (point == 0 && !last) output('.');
  }
  while (point-- > 0) output('0');
}

SHARED void print_nan(void) {
  output('N');
  output('a');
  output('N');
}

SHARED void print_infinity(void) {
  output('i');
  output('n');
  output('f');
}

NAMED("f64.print") void print64(u64 a) {
  if (is_nan64(a)) return print_nan();
  if ((i64)a < 0) output('-');
  u32 exponent = exponent64(a);
  u64 fraction = a & FRACTION64;
  if (exponent == 0x7ff) return print_infinity();
  if (a << 1 == 0) return output('0');
  if (exponent)
    print(fraction | 1ull << 52, (i32)exponent - 1075, fraction == 0 && exponent > 1);
  else
    print(fraction, -1074, 0);
}

NAMED("f32.print") void print32(u32 a) {
  if (is_nan32(a)) return print_nan();
  if ((i32)a < 0) output('-');
  u32 exponent = exponent32(a), fraction = a & 0x7fffff;
  if (exponent == 0xff) return print_infinity();
  if (a << 1 == 0) return output('0');
  if (exponent)
    print(fraction | 1u << 23, (i32)exponent - 150, fraction == 0 && exponent > 1);
  else
    print(fraction, -149, 0);
}
