/* ChaCha20 (RFC 8439): encrypts the input with the key 00 01 ... 1f, the nonce of the RFC's example
 * and the counter 1; decrypts it again, and prints the cipher text in hexadecimal. */
static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void quarter_round(uint32_t *s, int a, int b, int c, int d) {
  s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 16);
  s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 12);
  s[a] += s[b], s[d] = rotate(s[d] ^ s[a], 8);
  s[c] += s[d], s[b] = rotate(s[b] ^ s[c], 7);
}

static uint32_t word(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void key_stream(const uint32_t *start, unsigned char *stream) {
  uint32_t s[16];
  for (int i = 0; i < 16; i++) s[i] = start[i];
  for (int i = 0; i < 10; i++) {
    for (int k = 0; k < 4; k++) quarter_round(s, k, 4 + k, 8 + k, 12 + k);
    for (int k = 0; k < 4; k++) quarter_round(s, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4);
  }
  for (int i = 0; i < 16; i++) {
    uint32_t value = s[i] + start[i];
    for (int k = 0; k < 4; k++) *stream++ = (unsigned char)(value >> 8 * k);
  }
}

static void crypt(unsigned char *text, size_t length) {
  static const unsigned char nonce[12] = {0, 0, 0, 0, 0, 0, 0, 0x4a, 0, 0, 0, 0};
  unsigned char key[32], stream[64];
  uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 32; i++) key[i] = (unsigned char)i;
  for (int i = 0; i < 8; i++) start[4 + i] = word(key + 4 * i);
  for (int i = 0; i < 3; i++) start[13 + i] = word(nonce + 4 * i);
  start[12] = 1;
  for (size_t at = 0; at < length; at += 64, start[12]++) {
    key_stream(start, stream);
    for (size_t i = 0; i < 64 && at + i < length; i++) text[at + i] ^= stream[i];
  }
}

void compute(const char *input) {
  static unsigned char text[512];
  size_t length = strlen(input);
  if (length > sizeof text) {
    print_string("expected at most 512 characters\n");
    return;
  }
  memcpy(text, input, length);
  crypt(text, length);
  for (size_t i = 0; i < length; i++) printf("%02x", text[i]);
  crypt(text, length);
  print_string(memcmp(text, input, length) ? "\nWRONG\n" : "\n");
}
