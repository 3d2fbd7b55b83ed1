/* Output and printing.
 *
 * Digits come from subtracting 8, 4, 2 and 1 times the powers of ten: a byte costs five tokens to
 * load, and the base machine divides by a routine of some hundred.
 */
#include "internal.h"

REFUSALS(printf)

WEAK int putchar(int c) {
  output_byte(c);
  return (unsigned char)c;
}

static void write_string(const char *text) {
  for (; *text; text++) output_byte(*text);
}

WEAK void print_string(const char *text) { write_string(text); }
WEAK void print_str(const char *text) { write_string(text); }

WEAK int puts(const char *text) {
  write_string(text);
  output_byte('\n');
  return 0;
}

static const unsigned powers_of_ten[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

/* Writes the digits of value from this power of ten on; returns the end. */
static char *digits_from(char *to, const unsigned *power, unsigned value) {
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

static char *decimal(char *to, unsigned value) {
  const unsigned *power = value < 100000 ? powers_of_ten + 5 : powers_of_ten;
  while (*power > value && *power != 1) power++;
  return digits_from(to, power, value);
}

/* 10^19 to 10^9: low and high half. */
static const unsigned large_powers[][2] = {
    {0x89e80000, 0x8ac72304}, {0xa7640000, 0x0de0b6b3}, {0x5d8a0000, 0x01634578}, {0x6fc10000, 0x002386f2},
    {0xa4c68000, 0x00038d7e}, {0x107a4000, 0x00005af3}, {0x4e72a000, 0x00000918}, {0xd4a51000, 0x000000e8},
    {0x4876e800, 0x00000017}, {0x540be400, 0x00000002}, {0x3b9aca00, 0x00000000},
};

/* Of a number of 2^32 or more. */
static char *long_decimal(char *to, unsigned low, unsigned high) {
  char *start = to;
  for (int i = 0; i < 11; i++) {
    unsigned one = large_powers[i][0], above = large_powers[i][1];
    char digit = '0';
    while (high > above || (high == above && low >= one)) {
      high -= above + (low < one);
      low -= one;
      digit++;
    }
    if (digit != '0' || to != start) *to++ = digit;
  }
  return digits_from(to, powers_of_ten + 1, low);
}

static void write_unsigned(unsigned value) {
  char digits[12], *end = decimal(digits, value);
  for (char *p = digits; p != end; p++) output_byte(*p);
}

WEAK void print_unsigned(unsigned value) { write_unsigned(value); }

WEAK void print_int(int value) {
  if (value < 0) {
    output_byte('-');
    write_unsigned(0u - (unsigned)value);
  } else {
    write_unsigned((unsigned)value);
  }
}

/* The digits of value, eight of them where `all`. */
static char *hexadecimal(char *to, unsigned value, char letter, int all) {
  unsigned char *bytes = (unsigned char *)&value;
  int started = all;
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

static char *octal(char *to, unsigned low, unsigned high) {
  char *start = to;
  for (int shift = 63; shift >= 0; shift -= 3) {
    unsigned digit;
    if (shift >= 32) digit = high >> (shift - 32);
    else if (shift > 29) digit = low >> shift | high << (32 - shift);
    else digit = low >> shift;
    digit &= 7;
    if (digit || to != start || !shift) *to++ = (char)('0' + digit);
  }
  return to;
}

static void repeat(char c, int count) {
  for (; count > 0; count--) output_byte(c);
}

/* Writes a prefix, zeros and a text; blanks on the other side of `left`. */
static int field(const char *prefix, int zeros, const char *text, int length, int width, int left) {
  int total = length + zeros;
  for (const char *p = prefix; *p; p++) total++;
  if (!left) repeat(' ', width - total);
  write_string(prefix);
  repeat('0', zeros);
  for (int i = 0; i < length; i++) output_byte(text[i]);
  if (left) repeat(' ', width - total);
  return width > total ? width : total;
}

/* What most conversions are: %d without more. */
static int plain_int(int value) {
  char digits[12], *end = decimal(digits, value < 0 ? 0u - (unsigned)value : (unsigned)value);
  if (value < 0) output_byte('-');
  for (char *p = digits; p != end; p++) output_byte(*p);
  return (int)(end - digits) + (value < 0);
}

static int number_in(const char **format) {
  int value = 0;
  for (; is_digit(**format); ++*format) value = value * 10 + (**format - '0');
  return value;
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
    if (format[1] == 'd') {
      format++;
      count += plain_int(__builtin_va_arg(arguments, int));
      continue;
    }
    if (format[1] == 's') {
      format++;
      for (const char *text = __builtin_va_arg(arguments, const char *); *text; text++, count++) output_byte(*text);
      continue;
    }
    int left = 0, zero = 0, alternate = 0, width = 0, precision = -1, size = 0;
    char sign = 0, digits[24], *end = digits;
    for (c = *++format;; c = *++format) {
      if (c == '-') left = 1;
      else if (c == '0') zero = 1;
      else if (c == '+') sign = '+';
      else if (c == ' ') sign = sign ? sign : ' ';
      else if (c == '#') alternate = 1;
      else break;
    }
    if (c == '*') {
      width = __builtin_va_arg(arguments, int);
      if (width < 0) left = 1, width = -width;
      format++;
    } else {
      width = number_in(&format);
    }
    if (*format == '.') {
      if (*++format == '*') {
        precision = __builtin_va_arg(arguments, int);
        format++;
      } else {
        precision = number_in(&format);
      }
    }
    for (c = *format;; c = *++format) { /* 2: long long; -1, -2: short, char; 1, long and others, is an int */
      if (c == 'l') size++;
      else if (c == 'h') size--;
      else if (c == 'j') size = 2;
      else if (c == 'z' || c == 't') size = 1;
      else break;
    }
    if (c == '%') {
      output_byte('%');
      count++;
      continue;
    }
    if (c == 's') {
      if (size > 0) printf_refuses(c, 1);
      const char *text = __builtin_va_arg(arguments, const char *);
      int length = 0;
      while (length != precision && text[length]) length++;
      count += field("", 0, text, length, width, left);
      continue;
    }
    if (c == 'c') {
      if (size > 0) printf_refuses(c, 1);
      digits[0] = (char)__builtin_va_arg(arguments, int);
      count += field("", 0, digits, 1, width, left);
      continue;
    }
    int is_signed = c == 'd' || c == 'i';
    char letter = c | 32;
    if (c == 'p') size = 0, alternate = 1, precision = precision < 8 ? 8 : precision, letter = 'x';
    else if (!is_signed && c != 'u' && c != 'o' && letter != 'x') printf_refuses(c, 0);
    unsigned low, high = 0;
    if (size >= 2) {
      unsigned *pair = next_pair(&arguments);
      low = pair[0], high = pair[1];
      if (is_signed && (int)high < 0) {
        sign = '-';
        high = ~high + !low;
        low = 0u - low;
      }
    } else {
      low = __builtin_va_arg(arguments, unsigned);
      if (size == -1) low = is_signed ? (unsigned)(short)low : (unsigned short)low;
      if (size <= -2) low = is_signed ? (unsigned)(signed char)low : (unsigned char)low;
      if (is_signed && (int)low < 0) sign = '-', low = 0u - low;
    }
    char prefix[3] = {0, 0, 0};
    if (is_signed) prefix[0] = sign;
    if (precision == 0 && !(low | high)) {
      /* no digit */
    } else if (letter == 'x') {
      if (alternate && (low | high)) prefix[0] = '0', prefix[1] = c == 'X' ? 'X' : 'x';
      if (high) end = hexadecimal(end, high, c == 'X' ? 'A' : 'a', 0);
      end = hexadecimal(end, low, c == 'X' ? 'A' : 'a', high != 0);
    } else if (c == 'o') {
      end = octal(end, low, high);
    } else {
      end = high ? long_decimal(end, low, high) : decimal(end, low);
    }
    int length = (int)(end - digits), zeros = precision - length;
    if (precision < 0 && zero && !left) {
      zeros = width - length;
      for (char *p = prefix; *p; p++) zeros--;
    }
    if (c == 'o' && alternate && zeros <= 0 && (!length || digits[0] != '0')) zeros = 1;
    count += field(prefix, zeros > 0 ? zeros : 0, digits, length, width, left);
  }
  __builtin_va_end(arguments);
  return count;
}
