/* MD5 of the input (RFC 1321), in hexadecimal. */
static const uint32_t SINES[64] = {
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const unsigned char SHIFTS[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static uint32_t word(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void block(const unsigned char *text) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  for (int i = 0; i < 64; i++) {
    uint32_t mixed;
    int round = i >> 4, which;
    if (round == 0) mixed = (b & c) | (~b & d), which = i;
    else if (round == 1) mixed = (d & b) | (~d & c), which = (5 * i + 1) & 15;
    else if (round == 2) mixed = b ^ c ^ d, which = (3 * i + 5) & 15;
    else mixed = c ^ (b | ~d), which = (7 * i) & 15;
    mixed += a + SINES[i] + word(text + 4 * which);
    int n = SHIFTS[round][i & 3];
    a = d, d = c, c = b;
    b += mixed << n | mixed >> (32 - n);
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

void compute(const char *input) {
  size_t length = strlen(input), left = length;
  const unsigned char *text = (const unsigned char *)input;
  for (; left >= 64; left -= 64, text += 64) block(text);
  unsigned char last[128];
  size_t size = left < 56 ? 64 : 128;
  memset(last, 0, sizeof last);
  memcpy(last, text, left);
  last[left] = 0x80;
  for (int i = 0; i < 4; i++) last[size - 8 + i] = (unsigned char)(length * 8 >> 8 * i);
  for (size_t at = 0; at < size; at += 64) block(last + at);
  for (int i = 0; i < 16; i++) printf("%02x", state[i >> 2] >> 8 * (i & 3) & 255);
  putchar('\n');
}
