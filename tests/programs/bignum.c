/* The factorial of a number, and the power of the next odd number to it, exactly: limbs of 32 bits
 * with products of 64, printed in decimal by divisions by 10^9. Input: the number. */
enum { LIMBS = 64 };

typedef struct {
  int count;
  uint32_t limbs[LIMBS]; /* lowest first */
} Number;

static void multiply_small(Number *n, uint32_t factor) {
  uint64_t carry = 0;
  for (int i = 0; i < n->count; i++) {
    carry += (uint64_t)n->limbs[i] * factor;
    n->limbs[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry) n->limbs[n->count++] = (uint32_t)carry;
}

static void multiply(Number *product, const Number *a, const Number *b) {
  memset(product, 0, sizeof *product);
  for (int i = 0; i < a->count; i++) {
    uint64_t carry = 0;
    for (int k = 0; k < b->count; k++) {
      carry += (uint64_t)a->limbs[i] * b->limbs[k] + product->limbs[i + k];
      product->limbs[i + k] = (uint32_t)carry;
      carry >>= 32;
    }
    product->limbs[i + b->count] = (uint32_t)carry;
  }
  product->count = a->count + b->count;
  while (product->count && !product->limbs[product->count - 1]) product->count--;
}

static uint32_t divide_small(Number *n, uint32_t divisor) {
  uint64_t rest = 0;
  for (int i = n->count - 1; i >= 0; i--) {
    rest = rest << 32 | n->limbs[i];
    n->limbs[i] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  while (n->count && !n->limbs[n->count - 1]) n->count--;
  return (uint32_t)rest;
}

static void print(Number n) {
  uint32_t parts[LIMBS * 2];
  int count = 0;
  do parts[count++] = divide_small(&n, 1000000000);
  while (n.count);
  printf("%u", parts[--count]);
  while (count) printf("%09u", parts[--count]);
  putchar('\n');
}

void compute(const char *input) {
  static Number factorial = {1, {1}}, power = {1, {1}}, base, product;
  int n = parse_int(&input);
  if (n < 0 || n > 100) {
    print_string("expected a number from 0 to 100\n");
    return;
  }
  for (int i = 2; i <= n; i++) multiply_small(&factorial, (uint32_t)i);
  print(factorial);
  base.count = 1;
  base.limbs[0] = (uint32_t)n | 1;
  for (int exponent = n; exponent; exponent >>= 1) {
    if (exponent & 1) multiply(&product, &power, &base), power = product;
    if (exponent > 1) multiply(&product, &base, &base), base = product;
  }
  print(power);
}
