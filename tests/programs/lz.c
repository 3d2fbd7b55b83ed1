/* Compresses the input in the manner of LZ4 and decompresses it again. The compressed text is a list
 * of sequences: a byte with two lengths (literals, copied bytes), the literals, and the distance of
 * the copy in two bytes. A length of 15 goes on in further bytes, up to one below 255. */
enum { LIMIT = 4096, SHORTEST = 4, TABLE = 256 };

static unsigned char packed[LIMIT + LIMIT / 128], unpacked[LIMIT];
static int table[TABLE]; /* the position, plus one, where four bytes of this hash were last seen */

static uint32_t four(const unsigned char *p) {
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned char *length_tail(unsigned char *to, int length) {
  if (length < 15) return to;
  for (length -= 15; length >= 255; length -= 255) *to++ = 255;
  *to++ = (unsigned char)length;
  return to;
}

static unsigned char *sequence(unsigned char *to, const unsigned char *literals, int count, int copied, int distance) {
  int more = copied ? copied - SHORTEST : 0;
  *to++ = (unsigned char)((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
  to = length_tail(to, count);
  while (count--) *to++ = *literals++;
  if (!copied) return to;
  *to++ = (unsigned char)distance;
  *to++ = (unsigned char)(distance >> 8);
  return length_tail(to, more);
}

static int compress(const unsigned char *text, int length) {
  unsigned char *to = packed;
  int at = 0, literals = 0; /* where the pending literals begin */
  while (at + SHORTEST <= length) {
    uint32_t bytes = four(text + at);
    unsigned slot = bytes * 2654435761u >> 24;
    int before = table[slot] - 1, copied = 0;
    table[slot] = at + 1;
    if (before >= 0 && four(text + before) == bytes) {
      copied = SHORTEST;
      while (at + copied < length && text[before + copied] == text[at + copied]) copied++;
      to = sequence(to, text + literals, at - literals, copied, at - before);
      at += copied;
      literals = at;
    } else {
      at++;
    }
  }
  return (int)(sequence(to, text + literals, length - literals, 0, 0) - packed);
}

static int read_length(const unsigned char **from, int length) {
  int more = length == 15 ? 255 : 0;
  while (more == 255) length += more = *(*from)++;
  return length;
}

static int decompress(const unsigned char *from, int size) {
  const unsigned char *end = from + size;
  unsigned char *to = unpacked;
  for (;;) {
    int lengths = *from++;
    for (int count = read_length(&from, lengths >> 4); count > 0; count--) *to++ = *from++;
    if (from == end) return (int)(to - unpacked);
    const unsigned char *copy = to - (from[0] | from[1] << 8);
    from += 2;
    for (int count = read_length(&from, lengths & 15) + SHORTEST; count > 0; count--) *to++ = *copy++;
  }
}

void compute(const char *input) {
  int length = (int)strlen(input);
  if (length > LIMIT) {
    print_string("expected at most 4096 characters\n");
    return;
  }
  int size = compress((const unsigned char *)input, length);
  for (int i = 0; i < size; i++) printf("%02x", packed[i]);
  int same = decompress(packed, size) == length && !memcmp(unpacked, input, (size_t)length);
  printf("\n%d -> %d%s\n", length, size, same ? "" : " WRONG");
}
