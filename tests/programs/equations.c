/* Linear equations by Gauss's elimination, with the largest pivot. Input: how many. The coefficients
 * are pseudo-random numbers between -1 and 1. Prints the solution as the bits of an f64 each.
 */
enum { LIMIT = 24 };

static double left[LIMIT][LIMIT], right[LIMIT];

static double next(void) {
  static unsigned random = 1;
  random = random * 1103515245 + 12345;
  return (int)(random >> 8) * 0x1p-23 - 1;
}

void compute(const char* input) {
  int size = parse_int(&input);
  for (int i = 0; i < size; i++) {
    for (int k = 0; k < size; k++) left[i][k] = next();
    right[i] = next();
  }
  for (int column = 0; column < size; column++) {
    int pivot = column;
    for (int row = column + 1; row < size; row++)
      if (__builtin_fabs(left[row][column]) > __builtin_fabs(left[pivot][column])) pivot = row;
    for (int k = 0; k < size; k++) {
      double other = left[column][k];
      left[column][k] = left[pivot][k];
      left[pivot][k] = other;
    }
    double other = right[column];
    right[column] = right[pivot];
    right[pivot] = other;
    for (int row = column + 1; row < size; row++) {
      double factor = left[row][column] / left[column][column];
      for (int k = column; k < size; k++) left[row][k] -= factor * left[column][k];
      right[row] -= factor * right[column];
    }
  }
  for (int row = size - 1; row >= 0; row--) {
    for (int k = row + 1; k < size; k++) right[row] -= left[row][k] * right[k];
    right[row] /= left[row][row];
  }
  for (int i = 0; i < size; i++)
    printf("%016llx\n", (union {
                          double number;
                          unsigned long long bits;
                        }){right[i]}
                            .bits);
}
