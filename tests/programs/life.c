/* Conway's game of life on a torus. Input: the number of generations, then rows of # and . that are
 * separated by slashes. Prints the last board and how many cells live in each generation. */
enum { LIMIT = 32 };

static unsigned char boards[2][LIMIT][LIMIT];
static int width, height;

static int neighbours(unsigned char (*board)[LIMIT], int row, int column) {
  int up = row ? row - 1 : height - 1, down = row + 1 < height ? row + 1 : 0;
  int left = column ? column - 1 : width - 1, right = column + 1 < width ? column + 1 : 0;
  return board[up][left] + board[up][column] + board[up][right] + board[row][left] + board[row][right] +
         board[down][left] + board[down][column] + board[down][right];
}

static int step(unsigned char (*from)[LIMIT], unsigned char (*to)[LIMIT]) {
  int living = 0;
  for (int row = 0; row < height; row++)
    for (int column = 0; column < width; column++) {
      int count = neighbours(from, row, column);
      to[row][column] = count == 3 || (count == 2 && from[row][column]);
      living += to[row][column];
    }
  return living;
}

static int read_board(const char *text) {
  int column = 0;
  for (; *text; text++) {
    if (*text == '/') {
      if (column != width && height) return 0;
      width = column, column = 0, height++;
    } else if (*text == '#' || *text == '.') {
      if (height == LIMIT || column == LIMIT) return 0;
      boards[0][height][column++] = *text == '#';
    }
  }
  return width && height;
}

void compute(const char *input) {
  int generations = parse_int(&input);
  if (!read_board(input)) {
    print_string("expected a number, and rows of one length with a slash behind each\n");
    return;
  }
  for (int i = 0; i < generations; i++)
    printf(i + 1 < generations ? "%d " : "%d\n", step(boards[i & 1], boards[(i + 1) & 1]));
  for (int row = 0; row < height; row++) {
    for (int column = 0; column < width; column++) putchar(boards[generations & 1][row][column] ? '#' : '.');
    putchar('\n');
  }
}
