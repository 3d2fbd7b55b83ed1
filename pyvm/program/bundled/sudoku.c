/* Solves a Sudoku by constraint propagation and search, and prints the search.
 *
 * Input: 81 characters, row by row; anything but 1 to 9 is an empty cell.
 *
 * A cell with one candidate left takes it (a naked single); a row, column or box with one place left for a digit
 * puts it there (a hidden single).  When nothing follows, the search guesses in a cell with the fewest
 * candidates, of those the one whose row, column and box have the fewest, and takes the guess back on a
 * contradiction.  All state is counters and flags: on this machine a look at a table is the
 * cheapest operation, a bitwise one among the dearest.
 */
enum { CELLS = 81, UNITS = 27 };

/* Units 0..8 are rows, 9..17 columns, 18..26 boxes. */
#define NINE(x) x, x, x, x, x, x, x, x, x
#define ALL(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8
#define THREE(x) x, x, x, x + 1, x + 1, x + 1, x + 2, x + 2, x + 2
static const unsigned char row_of[CELLS] = {NINE(0), NINE(1), NINE(2), NINE(3), NINE(4), NINE(5), NINE(6), NINE(7), NINE(8)};
static const unsigned char column_of[CELLS] = {ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9)};
static const unsigned char box_of[CELLS] = {THREE(18), THREE(18), THREE(18), THREE(21), THREE(21), THREE(21), THREE(24), THREE(24), THREE(24)};

#define ROW(c) {ALL(c)}
#define COLUMN(c) {c, c + 9, c + 18, c + 27, c + 36, c + 45, c + 54, c + 63, c + 72}
#define BOX(c) {c, c + 1, c + 2, c + 9, c + 10, c + 11, c + 18, c + 19, c + 20}
static const unsigned char members[UNITS][9] = {
    ROW(0), ROW(9), ROW(18), ROW(27), ROW(36), ROW(45), ROW(54), ROW(63), ROW(72),
    COLUMN(0), COLUMN(1), COLUMN(2), COLUMN(3), COLUMN(4), COLUMN(5), COLUMN(6), COLUMN(7), COLUMN(8),
    BOX(0), BOX(3), BOX(6), BOX(27), BOX(30), BOX(33), BOX(54), BOX(57), BOX(60)};
#define POINTERS(t, u) t[u], t[u + 1], t[u + 2], t[u + 3], t[u + 4], t[u + 5], t[u + 6], t[u + 7], t[u + 8]
static const unsigned char *const members_of[UNITS] = {POINTERS(members, 0), POINTERS(members, 9), POINTERS(members, 18)};

static unsigned char candidate[9][CELLS]; /* digit, cell: still possible? */
static unsigned char places[9][UNITS];    /* digit, unit: cells where it is possible */
static unsigned char left[CELLS];         /* candidates of a cell */
static unsigned char value[CELLS];        /* '1' to '9', or 0 */
static unsigned char *const candidate_of[9] = {POINTERS(candidate, 0)};
static unsigned char *const places_of[9] = {POINTERS(places, 0)};

/* What was done, to be taken back: candidates removed (digit 0..8) and values set (digit 9). */
static struct { unsigned char cell, digit; } trail[CELLS * 10], *trail_end = trail;

/* Values that follow but are not set yet; a cell may be there more than once. */
static struct { unsigned char cell, digit; } queue[CELLS * 40], *queue_end = queue;

static int guesses, dead_ends;

static void say_cell(const char *text, int cell) {
  print_string(text);
  putchar('r');
  putchar('1' + row_of[cell]);
  putchar('c');
  putchar('1' - 9 + column_of[cell]);
}

static void enqueue(int cell, int digit) {
  queue_end->cell = (unsigned char)cell;
  queue_end->digit = (unsigned char)digit;
  queue_end++;
}

static void remember(int cell, int digit) {
  trail_end->cell = (unsigned char)cell;
  trail_end->digit = (unsigned char)digit;
  trail_end++;
}

static int contradiction(int cell) {
  say_cell("  contradiction at ", cell);
  putchar('\n');
  dead_ends++;
  return 0;
}

/* One place less for a digit in a unit. Returns 0 on a contradiction. */
static int one_place_less(int unit, int digit, unsigned char *count) {
  int rest = count[unit] - 1;
  count[unit] = (unsigned char)rest;
  if (rest > 1) return 1;
  if (rest == 0) return 0;
  const unsigned char *possible = candidate_of[digit], *member = members_of[unit];
  while (!possible[*member]) member++;
  if (!value[*member]) enqueue(*member, digit);
  return 1;
}

/* Returns 0 on a contradiction; its counters are right all the same. */
static int remove_candidate(int cell, int digit) {
  unsigned char *count = places_of[digit];
  int rest = left[cell] - 1, fine = rest != 0;
  candidate_of[digit][cell] = 0;
  left[cell] = (unsigned char)rest;
  remember(cell, digit);
  if (rest == 1) {
    int only = 0;
    for (unsigned char *p = candidate[0] + cell; !*p; p += CELLS) only++;
    if (!value[cell]) enqueue(cell, only);
  }
  if (!one_place_less(row_of[cell], digit, count)) fine = 0;
  if (!one_place_less(column_of[cell], digit, count)) fine = 0;
  if (!one_place_less(box_of[cell], digit, count)) fine = 0;
  return fine || contradiction(cell);
}

static int remove_from(const unsigned char *member, int cell, int digit) {
  const unsigned char *possible = candidate_of[digit], *end = member + 9;
  for (; member != end; member++) {
    int other = *member;
    if (possible[other] && other != cell && !remove_candidate(other, digit)) return 0;
  }
  return 1;
}

/* Sets all values that follow. Returns 0 on a contradiction. */
static int propagate(void) {
  while (queue_end != queue) {
    queue_end--;
    int cell = queue_end->cell, digit = queue_end->digit;
    if (value[cell]) {
      if (value[cell] != '1' + digit) return contradiction(cell);
      continue;
    }
    if (!candidate_of[digit][cell]) return contradiction(cell);
    value[cell] = (unsigned char)('1' + digit);
    remember(cell, 9);
    const unsigned char *p = candidate[0] + cell;
    if (left[cell] != 1)
      for (int other = 0; other < 9; other++, p += CELLS)
        if (*p && other != digit && !remove_candidate(cell, other)) return 0;
    if (!remove_from(members_of[row_of[cell]], cell, digit)) return 0;
    if (!remove_from(members_of[column_of[cell]], cell, digit)) return 0;
    if (!remove_from(members_of[box_of[cell]], cell, digit)) return 0;
  }
  return 1;
}

static void take_back(void *until) {
  queue_end = queue;
  while ((void *)trail_end != until) {
    trail_end--;
    int cell = trail_end->cell, digit = trail_end->digit;
    if (digit == 9) {
      value[cell] = 0;
      continue;
    }
    unsigned char *count = places_of[digit];
    candidate_of[digit][cell] = 1;
    left[cell]++;
    count[row_of[cell]]++;
    count[column_of[cell]]++;
    count[box_of[cell]]++;
  }
}

/* The empty cell to guess in, or -1. */
static int choose(void) {
  static unsigned char total[UNITS];
  memset(total, 0, UNITS);
  for (int cell = 0; cell < CELLS; cell++) {
    unsigned char count = left[cell];
    total[row_of[cell]] += count;
    total[column_of[cell]] += count;
    total[box_of[cell]] += count;
  }
  int best = -1, fewest = 10, around = 0;
  for (int cell = 0; cell < CELLS; cell++) {
    int count = left[cell];
    if (count > fewest || value[cell]) continue;
    int sum = total[row_of[cell]] + total[column_of[cell]] + total[box_of[cell]];
    if (count < fewest || sum < around) best = cell, fewest = count, around = sum;
  }
  return best;
}

static int search(void) {
  int cell = choose();
  if (cell < 0) return 1;
  void *mark = trail_end;
  for (int digit = 8; digit >= 0; digit--) {
    if (!candidate_of[digit][cell]) continue;
    guesses++;
    say_cell("guess ", cell);
    print_string(" = ");
    putchar('1' + digit);
    putchar('\n');
    enqueue(cell, digit);
    if (propagate() && search()) return 1;
    take_back(mark);
  }
  say_cell("back from ", cell);
  putchar('\n');
  return 0;
}

static void show(void) {
  const unsigned char *p = value;
  for (int row = 0; row < 9; row++) {
    if (row == 3 || row == 6) print_string("------+-------+------\n");
    for (int column = 0; column < 9; column++, p++) {
      if (column == 3 || column == 6) print_string("| ");
      putchar(*p ? *p : '.');
      putchar(column == 8 ? '\n' : ' ');
    }
  }
}

void compute(const char *input) {
  memset(candidate, 1, sizeof candidate);
  memset(places, 9, sizeof places);
  memset(left, 9, sizeof left);
  int cell = 0, fine = 1;
  for (; *input && cell < CELLS; input++, cell++)
    if (*input >= '1' && *input <= '9') {
      enqueue(cell, *input - '1');
      if (fine && !propagate()) fine = 0;
    }
  if (cell < CELLS) {
    print_string("expected 81 cells\n");
    return;
  }
  print_string("after propagation:\n");
  show();
  fine = fine && search();
  if (fine) {
    print_string("solved:\n");
    show();
  } else {
    print_string("no solution\n");
  }
  printf("%d guesses, %d dead ends\n", guesses, dead_ends);
}
