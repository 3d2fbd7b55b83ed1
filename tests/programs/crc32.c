/* CRC-32 of the input (the reflected polynomial of zlib and Ethernet), by a table made at the start,
 * and Adler-32 (RFC 1950). */
static uint32_t table[256];

static void make_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t rest = i;
    for (int bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >> 1 ^ 0xedb88320 : rest >> 1;
    table[i] = rest;
  }
}

static uint32_t crc32(uint32_t crc, const char *text, size_t length) {
  crc = ~crc;
  for (size_t i = 0; i < length; i++) crc = table[(crc ^ (unsigned char)text[i]) & 255] ^ crc >> 8;
  return ~crc;
}

/* The same, bit by bit: what the table must agree with. */
static uint32_t crc32_by_bits(const char *text, size_t length) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < length; i++) {
    crc ^= (unsigned char)text[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}

static uint32_t adler32(const char *text, size_t length) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < length; i++) {
    a = (a + (unsigned char)text[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void compute(const char *input) {
  size_t length = strlen(input), half = length / 2;
  make_table();
  uint32_t crc = crc32(crc32(0, input, half), input + half, length - half);
  printf("%08x %08x%s\n", crc, adler32(input, length), crc == crc32_by_bits(input, length) ? "" : " WRONG");
}
