/* Primes: a sieve with a bit for each odd number, and the test of Miller and Rabin for numbers up to
 * 2^32, whose products have 64 bits. Input: the sieve's limit, then numbers to test. */
enum { LIMIT = 8192 };

static unsigned char composite[LIMIT / 16];

static int is_composite(int n) { return composite[n >> 4] >> (n >> 1 & 7) & 1; }

static int sieve(int limit) {
  int count = limit >= 2;
  for (int n = 3; n <= limit; n += 2) {
    if (is_composite(n)) continue;
    count++;
    if (n > limit / n) continue;
    for (int k = n * n; k <= limit; k += n + n) composite[k >> 4] |= (unsigned char)(1 << (k >> 1 & 7));
  }
  return count;
}

static uint32_t power(uint32_t base, uint32_t exponent, uint32_t modulus) {
  uint64_t result = 1, square = base % modulus;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result = result * square % modulus;
    square = square * square % modulus;
  }
  return (uint32_t)result;
}

/* The bases 2, 7 and 61 decide for all numbers below 4,759,123,141 (Jaeschke 1993). */
static int is_prime(uint32_t n) {
  static const uint32_t bases[] = {2, 7, 61};
  if (n < 2 || n % 2 == 0) return n == 2;
  uint32_t odd = n - 1;
  int twos = 0;
  while (!(odd & 1)) odd >>= 1, twos++;
  for (int i = 0; i < 3; i++) {
    if (n == bases[i]) return 1;
    uint64_t x = power(bases[i], odd, n);
    int passes = x == 1 || x == n - 1;
    for (int k = 1; k < twos && !passes; k++) {
      x = x * x % n;
      passes = x == n - 1;
    }
    if (!passes) return 0;
  }
  return 1;
}

static uint32_t parse_unsigned(const char **text) {
  uint32_t value = 0;
  while (**text == ' ') ++*text;
  while (isdigit(**text)) value = value * 10 + (uint32_t)(*(*text)++ - '0');
  return value;
}

void compute(const char *input) {
  uint32_t limit = parse_unsigned(&input);
  if (limit >= LIMIT) {
    print_string("expected a limit below 8192, and numbers\n");
    return;
  }
  printf("%d primes up to %u, the last:", sieve((int)limit), limit);
  for (int n = (int)limit - !(limit & 1), found = 0; n > 2 && found < 5; n -= 2)
    if (!is_composite(n)) printf(" %d", n), found++;
  putchar('\n');
  while (*input) {
    uint32_t n = parse_unsigned(&input);
    printf("%u: %s\n", n, is_prime(n) ? "prime" : "not prime");
    while (*input && !isdigit(*input)) input++;
  }
}
