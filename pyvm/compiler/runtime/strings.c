/* Memory, strings, and the end. */
#include "internal.h"

static inline void *copy(void *to, const void *from, size_t count) {
  char *t = to;
  const char *f = from;
  for (; count >= 4; count -= 4, t += 4, f += 4) __builtin_memcpy_inline(t, f, 4);
  for (; count; count--) *t++ = *f++;
  return to;
}

WEAK void *memcpy(void *to, const void *from, size_t count) { return copy(to, from, count); }

WEAK void *memmove(void *to, const void *from, size_t count) {
  char *t = to;
  const char *f = from;
  if ((uintptr_t)t - (uintptr_t)f >= count) return copy(to, from, count);
  for (t += count, f += count; count; count--) *--t = *--f;
  return to;
}

WEAK void *memset(void *to, int value, size_t count) {
  char *t = to;
  if (count >= 8) { /* a word costs as much as four bytes' addresses */
    union {
      unsigned char bytes[4];
      unsigned word;
    } four;
    four.bytes[0] = four.bytes[1] = four.bytes[2] = four.bytes[3] = (unsigned char)value;
    for (; count >= 4; count -= 4, t += 4) __builtin_memcpy_inline(t, &four.word, 4);
  }
  for (; count; count--) *t++ = (char)value;
  return to;
}

WEAK int memcmp(const void *a, const void *b, size_t count) {
  const unsigned char *x = a, *y = b;
  for (; count; count--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

static inline size_t length_of(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

WEAK size_t strlen(const char *text) { return length_of(text); }
WEAK int str_len(const char *text) { return (int)length_of(text); }

WEAK int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *(const unsigned char *)a - *(const unsigned char *)b;
}

WEAK int strncmp(const char *a, const char *b, size_t count) {
  for (; count; count--, a++, b++)
    if (*a != *b || !*a) return *(const unsigned char *)a - *(const unsigned char *)b;
  return 0;
}

static char *copy_string(char *to, const char *from) {
  char *t = to;
  while ((*t++ = *from++)) {}
  return to;
}

WEAK char *strcpy(char *to, const char *from) { return copy_string(to, from); }

WEAK char *strcat(char *to, const char *from) {
  copy_string(to + length_of(to), from);
  return to;
}

WEAK char *strchr(const char *text, int c) {
  for (;; text++) {
    if (*text == (char)c) return (char *)text;
    if (!*text) return NULL;
  }
}

WEAK void abort(void) { __builtin_trap(); }

/* What <assert.h> of the C library calls. */
__attribute__((noreturn)) void __assert_fail(const char *condition, const char *file, int line, const char *function);
WEAK void __assert_fail(const char *condition, const char *file, int line, const char *function) { __builtin_trap(); }
