/* What the files of the runtime library share.
 *
 * A function of it is weak: one that the program defines takes its place. So none of them calls
 * another one by its public name.
 */
#ifndef PYVM_INTERNAL_H
#define PYVM_INTERNAL_H

#include "pyvm.h"

#define WEAK __attribute__((weak))

__attribute__((import_module("env"), import_name("output_byte"))) void output_byte(int c);

static inline int is_digit(int c) { return c >= '0' && c <= '9'; }
static inline int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Two numbers of four bytes, where an argument of eight lies: the base machine has no i64. */
static inline unsigned *next_pair(__builtin_va_list *arguments) {
  char *p = (char *)(((uintptr_t) * (char **)arguments + 7) & ~(uintptr_t)7);
  *(char **)arguments = p + 8;
  return (unsigned *)p;
}

/* A conversion that is not there ends the program in a function whose name says it. */
#define REFUSAL(function, name, label) \
  __attribute__((noinline, noreturn)) static void function##_##name(void) __asm__(#function "(%" label ")"); \
  static void function##_##name(void) { __builtin_trap(); }
#define REFUSALS(function) \
  REFUSAL(function, f, "f") REFUSAL(function, e, "e") REFUSAL(function, g, "g") REFUSAL(function, a, "a") \
  REFUSAL(function, n, "n") REFUSAL(function, p, "p") REFUSAL(function, wide, "l...") REFUSAL(function, other, "...") \
  __attribute__((noreturn)) static void function##_refuses(char c, int wide) { \
    if (wide) function##_wide(); \
    switch (c | 32) { \
      case 'f': function##_f(); \
      case 'e': function##_e(); \
      case 'g': function##_g(); \
      case 'a': function##_a(); \
      case 'n': function##_n(); \
      case 'p': function##_p(); \
    } \
    function##_other(); \
  }

#endif
