/* Matrices of whole numbers modulo a prime: a random one to a power by squaring, its determinant by
 * elimination, and its inverse, which is multiplied with it. Input: the size and the exponent. */
enum { LIMIT = 10, PRIME = 65521 };
typedef unsigned Matrix[LIMIT][LIMIT];

static int size;

static void multiply(Matrix product, Matrix a, Matrix b) {
  for (int i = 0; i < size; i++)
    for (int k = 0; k < size; k++) {
      unsigned sum = 0;
      for (int j = 0; j < size; j++) sum = (sum + a[i][j] * b[j][k]) % PRIME; /* below 2^32 */
      product[i][k] = sum;
    }
}

static unsigned power(unsigned base, unsigned exponent) {
  unsigned result = 1;
  for (; exponent; exponent >>= 1, base = base * base % PRIME)
    if (exponent & 1) result = result * base % PRIME;
  return result;
}

static void identity(Matrix m) {
  for (int i = 0; i < size; i++)
    for (int k = 0; k < size; k++) m[i][k] = i == k;
}

/* The determinant; `inverse` is the inverse of `a` afterwards, where there is one. */
static unsigned eliminate(Matrix a, Matrix inverse) {
  unsigned determinant = 1;
  identity(inverse);
  for (int column = 0; column < size; column++) {
    int row = column;
    while (row < size && !a[row][column]) row++;
    if (row == size) return 0;
    if (row != column) determinant = PRIME - determinant;
    for (int k = 0; k < size; k++) {
      unsigned x = a[row][k], y = inverse[row][k];
      a[row][k] = a[column][k], inverse[row][k] = inverse[column][k];
      a[column][k] = x, inverse[column][k] = y;
    }
    determinant = determinant * a[column][column] % PRIME;
    unsigned factor = power(a[column][column], PRIME - 2);
    for (int k = 0; k < size; k++) {
      a[column][k] = a[column][k] * factor % PRIME;
      inverse[column][k] = inverse[column][k] * factor % PRIME;
    }
    for (int i = 0; i < size; i++) {
      unsigned minus = PRIME - a[i][column];
      if (i == column) continue;
      for (int k = 0; k < size; k++) {
        a[i][k] = (a[i][k] + minus * a[column][k]) % PRIME;
        inverse[i][k] = (inverse[i][k] + minus * inverse[column][k]) % PRIME;
      }
    }
  }
  return determinant;
}

void compute(const char *input) {
  static Matrix matrix, result, square, other;
  size = parse_int(&input);
  if (size < 1 || size > LIMIT) {
    print_string("expected a size from 1 to 10, and an exponent\n");
    return;
  }
  unsigned exponent = (unsigned)parse_int(&input), random = 1;
  for (int i = 0; i < size; i++)
    for (int k = 0; k < size; k++) {
      random = random * 1103515245 + 12345;
      matrix[i][k] = (random >> 16) % PRIME;
    }
  identity(result);
  memcpy(square, matrix, sizeof square);
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) multiply(other, result, square), memcpy(result, other, sizeof result);
    multiply(other, square, square), memcpy(square, other, sizeof square);
  }
  for (int i = 0; i < size; i++)
    for (int k = 0; k < size; k++) printf(k + 1 < size ? "%u " : "%u\n", result[i][k]);
  memcpy(square, matrix, sizeof square);
  printf("determinant %u\n", eliminate(square, other));
  multiply(result, matrix, other);
  identity(other);
  print_string(memcmp(result, other, sizeof other) ? "no inverse\n" : "inverse\n");
}
