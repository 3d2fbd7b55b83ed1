/* AES-128 (FIPS 197) of blocks in hexadecimal, under the key 00 01 ... 0f; each is decrypted again.
 * The S-box is computed: the inverse in GF(2^8), then the affine map. */
static unsigned char box[256], inverse_box[256], keys[176];

static unsigned char twice(unsigned char x) { return (unsigned char)(x << 1 ^ (x & 0x80 ? 0x1b : 0)); }

static unsigned char times(unsigned char x, unsigned char y) {
  unsigned char product = 0;
  for (; y; y >>= 1, x = twice(x))
    if (y & 1) product ^= x;
  return product;
}

/* 3 generates the field's group; 0xf6 is its inverse, so that p and q run through all pairs. */
static void make_boxes(void) {
  unsigned char p = 1, q = 1;
  do {
    p ^= twice(p);
    q ^= (unsigned char)(q << 1), q ^= (unsigned char)(q << 2), q ^= (unsigned char)(q << 4);
    if (q & 0x80) q ^= 9;
    unsigned spread = q ^ (unsigned)q << 1 ^ (unsigned)q << 2 ^ (unsigned)q << 3 ^ (unsigned)q << 4;
    box[p] = (unsigned char)(spread ^ spread >> 8 ^ 0x63);
  } while (p != 1);
  box[0] = 0x63;
  for (int i = 0; i < 256; i++) inverse_box[box[i]] = (unsigned char)i;
}

static void expand_key(void) {
  unsigned char constant = 1;
  for (int i = 0; i < 16; i++) keys[i] = (unsigned char)i;
  for (int i = 16; i < 176; i += 4) {
    unsigned char word[4];
    for (int k = 0; k < 4; k++) word[k] = keys[i - 4 + k];
    if (i % 16 == 0) {
      unsigned char first = word[0];
      for (int k = 0; k < 3; k++) word[k] = box[word[k + 1]];
      word[3] = box[first];
      word[0] ^= constant;
      constant = twice(constant);
    }
    for (int k = 0; k < 4; k++) keys[i + k] = keys[i - 16 + k] ^ word[k];
  }
}

static void add_key(unsigned char *block, int round) {
  for (int i = 0; i < 16; i++) block[i] ^= keys[16 * round + i];
}

static void encrypt(unsigned char *block) {
  unsigned char rows[16];
  add_key(block, 0);
  for (int round = 1; round <= 10; round++) {
    for (int i = 0; i < 16; i++) rows[i] = box[block[(i + 4 * (i & 3)) & 15]];
    for (int column = 0; column < 16; column += 4) {
      unsigned char *a = rows + column, all = a[0] ^ a[1] ^ a[2] ^ a[3];
      for (int i = 0; i < 4; i++) block[column + i] = round == 10 ? a[i] : a[i] ^ all ^ twice(a[i] ^ a[(i + 1) & 3]);
    }
    add_key(block, round);
  }
}

static void decrypt(unsigned char *block) {
  static const unsigned char factors[4] = {14, 11, 13, 9};
  unsigned char mixed[16];
  for (int round = 10; round >= 1; round--) {
    add_key(block, round);
    for (int i = 0; i < 16; i++) {
      unsigned char sum = block[i];
      if (round != 10) {
        sum = 0;
        for (int k = 0; k < 4; k++) sum ^= times(block[(i & 12) + ((i + k) & 3)], factors[k]);
      }
      mixed[i] = sum;
    }
    for (int i = 0; i < 16; i++) block[(i + 4 * (i & 3)) & 15] = inverse_box[mixed[i]];
  }
  add_key(block, 0);
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

void compute(const char *input) {
  make_boxes();
  expand_key();
  for (; strlen(input) >= 32; input += 32) {
    unsigned char plain[16], block[16];
    for (int i = 0; i < 16; i++) plain[i] = (unsigned char)(digit(input[2 * i]) << 4 | digit(input[2 * i + 1]));
    memcpy(block, plain, 16);
    encrypt(block);
    for (int i = 0; i < 16; i++) printf("%02x", block[i]);
    decrypt(block);
    print_string(memcmp(block, plain, 16) ? " WRONG\n" : "\n");
  }
}
