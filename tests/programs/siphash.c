/* SipHash-2-4 (Aumasson, Bernstein) of each prefix of the input, with the key 00 01 ... 0f: the
 * hashes of every 16th length, and the sum of all. */
static uint64_t v0, v1, v2, v3;

static uint64_t rotate(uint64_t x, int n) { return x << n | x >> (64 - n); }

static void rounds(int count) {
  while (count--) {
    v0 += v1, v1 = rotate(v1, 13) ^ v0, v0 = rotate(v0, 32);
    v2 += v3, v3 = rotate(v3, 16) ^ v2;
    v0 += v3, v3 = rotate(v3, 21) ^ v0;
    v2 += v1, v1 = rotate(v1, 17) ^ v2, v2 = rotate(v2, 32);
  }
}

static uint64_t word(const unsigned char *p) {
  uint64_t value;
  memcpy(&value, p, sizeof value); /* the machine is little-endian, as the hash is */
  return value;
}

static uint64_t siphash(const unsigned char *key, const unsigned char *text, size_t length) {
  uint64_t k0 = word(key), k1 = word(key + 8), last = (uint64_t)length << 56;
  v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
  v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
  size_t whole = length / 8;
  for (size_t i = 0; i < whole; i++, text += 8) {
    uint64_t m = word(text);
    v3 ^= m;
    rounds(2);
    v0 ^= m;
  }
  for (size_t i = 0; i < (length & 7); i++) last |= (uint64_t)text[i] << 8 * i;
  v3 ^= last;
  rounds(2);
  v0 ^= last;
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

static void print_word(uint64_t value) { printf("%08x%08x\n", (unsigned)(value >> 32), (unsigned)value); }

void compute(const char *input) {
  unsigned char key[16];
  uint64_t sum = 0;
  size_t length = strlen(input);
  for (int i = 0; i < 16; i++) key[i] = (unsigned char)i;
  for (size_t n = 0; n <= length; n++) {
    uint64_t hash = siphash(key, (const unsigned char *)input, n);
    if (n % 16 == 0) print_word(hash);
    sum += hash;
  }
  print_word(sum);
}
