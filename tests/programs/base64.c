/* Base64 (RFC 4648): encodes the input, decodes that again, and compares. */
enum { LIMIT = 1024 };

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(char *to, const unsigned char *from, size_t length) {
  char *start = to;
  for (; length >= 3; length -= 3, from += 3) {
    uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    for (int shift = 18; shift >= 0; shift -= 6) *to++ = LETTERS[three >> shift & 63];
  }
  if (length) {
    uint32_t rest = (uint32_t)from[0] << 16 | (length == 2 ? (uint32_t)from[1] << 8 : 0);
    *to++ = LETTERS[rest >> 18];
    *to++ = LETTERS[rest >> 12 & 63];
    *to++ = length == 2 ? LETTERS[rest >> 6 & 63] : '=';
    *to++ = '=';
  }
  return (size_t)(to - start);
}

static int six_bits(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t decode(unsigned char *to, const char *from, size_t length) {
  unsigned char *start = to;
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < length && from[i] != '='; i++) {
    bits = bits << 6 | (uint32_t)six_bits(from[i]);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *to++ = (unsigned char)(bits >> count);
  }
  return (size_t)(to - start);
}

void compute(const char *input) {
  static char encoded[(LIMIT + 2) / 3 * 4];
  static unsigned char decoded[LIMIT];
  size_t length = strlen(input);
  if (length > LIMIT) {
    print_string("expected at most 1024 characters\n");
    return;
  }
  size_t size = encode(encoded, (const unsigned char *)input, length);
  for (size_t i = 0; i < size; i++) putchar(encoded[i]);
  int same = decode(decoded, encoded, size) == length && !memcmp(decoded, input, length);
  print_string(same ? "\n" : "\nWRONG\n");
}
