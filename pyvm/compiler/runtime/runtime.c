/* The runtime library of C programs; see pyvm.h.
 *
 * Written for a machine on which a byte costs five tokens to load and a division some hundred: digits
 * come from subtracting 8, 4, 2 and 1 times the powers of ten.
 */
#include "pyvm.h"

/* What a program defines itself takes the place of the function here. */
#define WEAK __attribute__((weak))

__attribute__((import_module("env"), import_name("output_byte"))) void output_byte(int c);

WEAK int putchar(int c) {
  output_byte(c);
  return c;
}

WEAK void print_string(const char *text) {
  for (; *text; text++) output_byte(*text);
}

WEAK int puts(const char *text) {
  print_string(text);
  output_byte('\n');
  return 0;
}

static const unsigned powers_of_ten[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

/* Writes the decimal digits of value at `to`; returns the end. */
static char *decimal(char *to, unsigned value) {
  const unsigned *power = value < 100000 ? powers_of_ten + 5 : powers_of_ten;
  while (*power > value && *power != 1) power++;
  for (;; power++) {
    unsigned one = *power, two = one + one, digit = '0';
    if (one != 1000000000) { /* 8 times it would not fit, and the digit is at most 4 */
      unsigned eight = two + two + two + two;
      if (value >= eight) value -= eight, digit = '8';
    }
    if (value >= two + two) value -= two + two, digit += 4;
    if (value >= two) value -= two, digit += 2;
    if (value >= one) value -= one, digit += 1;
    *to++ = (char)digit;
    if (one == 1) return to;
  }
}

WEAK void print_unsigned(unsigned value) {
  char digits[12], *end = decimal(digits, value);
  for (char *p = digits; p != end; p++) output_byte(*p);
}

WEAK void print_int(int value) {
  if (value < 0) {
    output_byte('-');
    print_unsigned(0u - (unsigned)value);
  } else {
    print_unsigned((unsigned)value);
  }
}

static char *hexadecimal(char *to, unsigned value, char letter) {
  unsigned char *bytes = (unsigned char *)&value;
  int started = 0;
  for (int i = 3; i >= 0; i--) {
    unsigned byte = ((volatile unsigned char *)bytes)[i], high = 0;
    if (byte >= 128) byte -= 128, high = 8;
    if (byte >= 64) byte -= 64, high += 4;
    if (byte >= 32) byte -= 32, high += 2;
    if (byte >= 16) byte -= 16, high += 1;
    for (int half = 0; half < 2; half++) {
      unsigned digit = half ? byte : high;
      if (digit) started = 1;
      if (started || (i == 0 && half)) *to++ = (char)(digit < 10 ? '0' + digit : letter - 10 + digit);
    }
  }
  return to;
}

static int field(const char *text, int length, int width, int left, char fill, int sign) {
  int total = length + sign, padding = width > total ? width - total : 0;
  if (!left && fill == ' ')
    for (int i = padding; i > 0; i--) output_byte(' ');
  if (sign) output_byte('-');
  if (!left && fill == '0')
    for (int i = padding; i > 0; i--) output_byte('0');
  for (int i = 0; i < length; i++) output_byte(text[i]);
  if (left)
    for (int i = padding; i > 0; i--) output_byte(' ');
  return total + padding;
}

static int times_ten(int value) {
  int twice = value + value;
  return twice + twice + twice + twice + twice;
}

WEAK int printf(const char *format, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  int count = 0;
  for (char c; (c = *format); format++) {
    if (c != '%') {
      output_byte(c);
      count++;
      continue;
    }
    int left = 0, width = 0, sign = 0;
    char fill = ' ', digits[12], *end = digits;
    const char *text = digits;
    for (c = *++format; c == '-' || c == '0'; c = *++format) {
      if (c == '-') left = 1;
      else fill = '0';
    }
    for (; c >= '0' && c <= '9'; c = *++format) width = times_ten(width) + (c - '0');
    while (c == 'l' || c == 'h' || c == 'z') c = *++format;
    if (c == 'd' || c == 'i') {
      int value = __builtin_va_arg(arguments, int);
      sign = value < 0;
      end = decimal(digits, sign ? 0u - (unsigned)value : (unsigned)value);
    } else if (c == 'u') {
      end = decimal(digits, __builtin_va_arg(arguments, unsigned));
    } else if (c == 'x' || c == 'X') {
      end = hexadecimal(digits, __builtin_va_arg(arguments, unsigned), c == 'x' ? 'a' : 'A');
    } else if (c == 's') {
      text = __builtin_va_arg(arguments, const char *);
      if (!width) { /* no padding: no need for its length */
        for (; *text; text++, count++) output_byte(*text);
        continue;
      }
      fill = ' ';
      end = (char *)text + strlen(text);
    } else if (c == 'c') {
      digits[0] = (char)__builtin_va_arg(arguments, int);
      end = digits + 1;
      fill = ' ';
    } else if (c == '%') {
      output_byte('%');
      count++;
      continue;
    } else {
      abort(); /* a conversion that does not exist here */
    }
    count += field(text, (int)(end - text), width, left, fill, sign);
  }
  __builtin_va_end(arguments);
  return count;
}

WEAK int isdigit(int c) { return c >= '0' && c <= '9'; }
WEAK int isspace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
WEAK int isalpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Reads [+-]digits at *text; moves *text behind them. Returns 0 if there are none. */
static int number(const char **text, int *value) {
  const char *p = *text;
  int negative = *p == '-', result = 0;
  if (*p == '-' || *p == '+') p++;
  if (!isdigit(*p)) return 0;
  for (; isdigit(*p); p++) result = times_ten(result) + (*p - '0');
  *text = p;
  *value = negative ? -result : result;
  return 1;
}

WEAK int atoi(const char *text) {
  int value = 0;
  while (isspace(*text)) text++;
  number(&text, &value);
  return value;
}

WEAK int parse_int(const char **text) {
  int value = 0;
  for (; **text; ++*text)
    if (number(text, &value)) break;
  return value;
}

WEAK int sscanf(const char *text, const char *format, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  const char *start = text;
  int count = 0;
  for (char c; (c = *format); format++) {
    if (isspace(c)) {
      while (isspace(*text)) text++;
      continue;
    }
    if (c == '%') {
      c = *++format;
      if (c == 'n') {
        *__builtin_va_arg(arguments, int *) = (int)(text - start);
        continue;
      }
      if (c == 'c') {
        if (!*text) break;
        *__builtin_va_arg(arguments, char *) = *text++;
        count++;
        continue;
      }
      if (c != '%') {
        while (isspace(*text)) text++;
        if (c == 'd' || c == 'u' || c == 'i') {
          int value;
          if (!number(&text, &value)) break;
          *__builtin_va_arg(arguments, int *) = value;
        } else if (c == 's') {
          char *to = __builtin_va_arg(arguments, char *);
          if (!*text) break;
          while (*text && !isspace(*text)) *to++ = *text++;
          *to = 0;
        } else {
          abort();
        }
        count++;
        continue;
      }
    }
    if (*text != c) break;
    text++;
  }
  __builtin_va_end(arguments);
  return count || *start ? count : -1;
}

WEAK void *memcpy(void *to, const void *from, size_t count) {
  char *t = to;
  const char *f = from;
  for (; count >= 4; count -= 4, t += 4, f += 4) __builtin_memcpy_inline(t, f, 4);
  for (; count; count--) *t++ = *f++;
  return to;
}

WEAK void *memmove(void *to, const void *from, size_t count) {
  char *t = to;
  const char *f = from;
  if ((uintptr_t)t - (uintptr_t)f >= count) return memcpy(to, from, count);
  for (t += count, f += count; count; count--) *--t = *--f;
  return to;
}

WEAK void *memset(void *to, int value, size_t count) {
  char *t = to;
  if (count >= 8) { /* a word costs as much as four bytes' addresses */
    unsigned char bytes[4];
    unsigned word;
    bytes[0] = bytes[1] = bytes[2] = bytes[3] = (unsigned char)value;
    __builtin_memcpy_inline(&word, bytes, 4);
    for (; count >= 4; count -= 4, t += 4) __builtin_memcpy_inline(t, &word, 4);
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

WEAK size_t strlen(const char *text) {
  const char *end = text;
  while (*end) end++;
  return (size_t)(end - text);
}

WEAK int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *(const unsigned char *)a - *(const unsigned char *)b;
}

WEAK int strncmp(const char *a, const char *b, size_t count) {
  for (; count; count--, a++, b++)
    if (*a != *b || !*a) return *(const unsigned char *)a - *(const unsigned char *)b;
  return 0;
}

WEAK char *strcpy(char *to, const char *from) {
  char *t = to;
  while ((*t++ = *from++)) {}
  return to;
}

WEAK char *strcat(char *to, const char *from) {
  strcpy(to + strlen(to), from);
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
WEAK __attribute__((noreturn)) void __assert_fail(const char *condition, const char *file, int line, const char *function) {
  abort();
}
