/* N queens: counts the solutions with a bit for each column and diagonal, and prints the first one.
 * Input: the size of the board. */
enum { LIMIT = 12 };

static int size, solutions, places[LIMIT];

static int bit_number(unsigned bit) {
  int number = 0;
  while (bit >>= 1) number++;
  return number;
}

static void print_board(void) {
  for (int row = 0; row < size; row++) {
    for (int column = 0; column < size; column++) putchar(column == places[row] ? 'Q' : '.');
    putchar('\n');
  }
}

static void place(int row, unsigned columns, unsigned left, unsigned right) {
  unsigned all = (1u << size) - 1, free = all & ~(columns | left | right);
  if (row == size) {
    if (!solutions++) print_board();
    return;
  }
  while (free) {
    unsigned bit = free & -free;
    free ^= bit;
    if (!solutions) places[row] = bit_number(bit);
    place(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
}

void compute(const char *input) {
  size = parse_int(&input);
  if (size < 1 || size > LIMIT) {
    print_string("expected a size from 1 to 12\n");
    return;
  }
  place(0, 0, 0, 0);
  printf("%d solutions\n", solutions);
}
