/* Parsing. */
#include "internal.h"

REFUSALS(sscanf)

WEAK int isdigit(int c) { return is_digit(c); }
WEAK int isspace(int c) { return is_space(c); }
WEAK int isalpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Reads [+-]digits at *text; moves *text behind them. Returns 0 if there are none. */
static int number(const char **text, int *value) {
  const char *p = *text;
  int negative = *p == '-';
  unsigned result = 0;
  if (*p == '-' || *p == '+') p++;
  if (!is_digit(*p)) return 0;
  for (; is_digit(*p); p++) result = result * 10 + (unsigned)(*p - '0');
  *text = p;
  *value = (int)(negative ? 0u - result : result);
  return 1;
}

static int first_number(const char **text) {
  int value = 0;
  for (; **text; ++*text)
    if (number(text, &value)) break;
  return value;
}

WEAK int atoi(const char *text) {
  int value = 0;
  while (is_space(*text)) text++;
  number(&text, &value);
  return value;
}

WEAK __attribute__((overloadable)) int parse_int(const char **text) { return first_number(text); }
WEAK __attribute__((overloadable)) int parse_int(const char *text) { return first_number(&text); }

static unsigned digit_of(char c) {
  if (is_digit(c)) return (unsigned)(c - '0');
  char letter = c | 32;
  return letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a' + 10) : 16;
}

/* Reads at most `width` characters as a number; base 0: as in C. Returns the end, or NULL. */
static const char *long_number(const char *p, int width, unsigned base, unsigned value[2]) {
  const char *last = p + width;
  int negative = p != last && *p == '-';
  unsigned low = 0, high = 0;
  if (p != last && (*p == '-' || *p == '+')) p++;
  if (p != last && *p == '0' && (base == 0 || base == 16)) {
    if (p + 1 != last && (p[1] | 32) == 'x') {
      p += 2, base = 16;
    } else if (!base) {
      base = 8;
    }
  }
  if (!base) base = 10;
  const char *first = p;
  for (unsigned digit; p != last && (digit = digit_of(*p)) < base; p++) {
    unsigned below = (low & 0xFFFF) * base + digit, above = (low >> 16) * base + (below >> 16);
    low = above << 16 | (below & 0xFFFF);
    high = high * base + (above >> 16);
  }
  if (p == first) return NULL;
  value[0] = negative ? 0u - low : low;
  value[1] = negative ? ~high + !low : high;
  return p;
}

static void store(void *to, int size, unsigned value[2]) {
  if (size <= -2) {
    *(char *)to = (char)value[0];
  } else if (size == -1) {
    *(short *)to = (short)value[0];
  } else {
    ((unsigned *)to)[0] = value[0];
    if (size >= 2) ((unsigned *)to)[1] = value[1];
  }
}

/* Whether a set holds c; `*set` stands behind its '[', and is moved behind its ']'. */
static int in_set(const char **set, char c) {
  const char *p = *set;
  int negated = *p == '^', found = 0;
  if (negated) p++;
  for (const char *first = p; *p && (p == first || *p != ']'); p++) {
    if (*p == '-' && p != first && p[1] && p[1] != ']') {
      p++;
      if ((unsigned char)c >= (unsigned char)p[-2] && (unsigned char)c <= (unsigned char)*p) found = 1;
    } else if (*p == c) {
      found = 1;
    }
  }
  *set = *p ? p + 1 : p;
  return found != negated;
}

WEAK int sscanf(const char *text, const char *format, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, format);
  const char *start = text;
  int count = 0;
  for (char c; (c = *format); format++) {
    if (is_space(c)) {
      while (is_space(*text)) text++;
      continue;
    }
    int stored = 1, width = 0, size = 0;
    if (c == '%') {
      c = *++format;
      if (c == '*') stored = 0, c = *++format;
      for (; is_digit(c); c = *++format) width = width * 10 + (c - '0');
      for (;; c = *++format) { /* as in printf */
        if (c == 'l') size++;
        else if (c == 'h') size--;
        else if (c == 'j') size = 2;
        else if (c == 'z' || c == 't') size = 1;
        else break;
      }
      if (c == 'n') {
        unsigned value[2] = {(unsigned)(text - start), 0};
        if (stored) store(__builtin_va_arg(arguments, void *), size, value);
        continue;
      }
      if (c != 'c' && c != '[')
        while (is_space(*text)) text++;
      if (c == 'c' || c == 's' || c == '[') {
        if (size > 0) sscanf_refuses(c, 1);
        char *to = stored ? __builtin_va_arg(arguments, char *) : NULL;
        const char *first = text, *set = format + 1;
        int most = width ? width : c == 'c' ? 1 : 0x7FFFFFFF;
        for (; text - first != most && *text; text++) {
          if (c == 's' && is_space(*text)) break;
          set = format + 1;
          if (c == '[' && !in_set(&set, *text)) break;
          if (to) *to++ = *text;
        }
        if (c == '[') {
          set = format + 1;
          in_set(&set, 0);
          format = set - 1;
        }
        if (text == first) goto failed;
        if (c == 'c' && text - first != most) break;
        if (to && c != 'c') *to = 0;
        count += stored;
        continue;
      }
      if (c != '%') {
        unsigned base = c == 'd' || c == 'u' ? 10 : c == 'o' ? 8 : (c | 32) == 'x' ? 16 : 0;
        if (!base && c != 'i') sscanf_refuses(c, 0);
        unsigned value[2];
        if (!*text) goto failed;
        const char *end = long_number(text, width ? width : 0x7FFFFFFF, base, value);
        if (!end) break;
        text = end;
        if (stored) store(__builtin_va_arg(arguments, void *), size, value);
        count += stored;
        continue;
      }
    }
    if (*text != c) {
    failed:
      if (!*text && !count) count = -1;
      break;
    }
    text++;
  }
  __builtin_va_end(arguments);
  return count;
}
