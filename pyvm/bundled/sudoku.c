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
typedef unsigned char byte; /* cells, units, counts: an index known to be small saves an addition */

/* Units 0..8 are rows, 9..17 columns, 18..26 boxes. */
#define NINE(x) x, x, x, x, x, x, x, x, x
#define ALL(x) x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8
#define THREE(x) x, x, x, x + 1, x + 1, x + 1, x + 2, x + 2, x + 2
static const byte row_of[CELLS] = {NINE(0), NINE(1), NINE(2), NINE(3), NINE(4), NINE(5), NINE(6), NINE(7), NINE(8)};
static const byte column_of[CELLS] = {ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9), ALL(9)};
static const byte box_of[CELLS] = {THREE(18), THREE(18), THREE(18), THREE(21), THREE(21), THREE(21), THREE(24), THREE(24), THREE(24)};

#define ROW(c) {ALL(c)}
#define COLUMN(c) {c, c + 9, c + 18, c + 27, c + 36, c + 45, c + 54, c + 63, c + 72}
#define BOX(c) {c, c + 1, c + 2, c + 9, c + 10, c + 11, c + 18, c + 19, c + 20}
static const byte members[UNITS][9] = {
    ROW(0), ROW(9), ROW(18), ROW(27), ROW(36), ROW(45), ROW(54), ROW(63), ROW(72),
    COLUMN(0), COLUMN(1), COLUMN(2), COLUMN(3), COLUMN(4), COLUMN(5), COLUMN(6), COLUMN(7), COLUMN(8),
    BOX(0), BOX(3), BOX(6), BOX(27), BOX(30), BOX(33), BOX(54), BOX(57), BOX(60)};
#define POINTERS(u) members[u], members[u + 1], members[u + 2], members[u + 3], members[u + 4], \
    members[u + 5], members[u + 6], members[u + 7], members[u + 8]
static const byte *const members_of[UNITS] = {POINTERS(0), POINTERS(9), POINTERS(18)};

/* Everything about one digit lies in one plane, so that a pointer to it stands for the digit. */
typedef struct {
  byte possible[CELLS]; /* cell: still a candidate there? */
  byte places[UNITS];   /* unit: cells where it is possible */
  byte digit;           /* '1' to '9' */
} plane;
static plane planes[9];
#define LAST (planes + 8)

static byte left[CELLS];  /* candidates of a cell */
static byte total[UNITS]; /* candidates in a unit */
static byte value[CELLS]; /* '1' to '9', or 0 */

typedef struct {
  plane *digit;
  byte cell;
} entry;
static entry trail[CELLS * 10], *trail_end = trail; /* what was done: candidates removed; values set (digit 0) */
static entry queue[CELLS * 40], *queue_end = queue; /* values that follow; a cell may be there more than once */

static int guesses, dead_ends;

static void say_cell(const char *text, byte cell) {
  print_string(text);
  putchar('r');
  putchar('1' + row_of[cell]);
  putchar('c');
  putchar('1' - 9 + column_of[cell]);
}

static int contradiction(byte cell) {
  say_cell("  contradiction at ", cell);
  putchar('\n');
  dead_ends++;
  return 0;
}

static void append(entry **end, byte cell, plane *digit) {
  (*end)->cell = cell;
  (*end)->digit = digit;
  ++*end;
}

/* One place less for a digit in a unit. Returns 0 on a contradiction. */
static int one_place_less(byte unit, plane *digit) {
  int rest = digit->places[unit] - 1;
  total[unit]--;
  digit->places[unit] = (byte)rest;
  if (rest > 1) return 1;
  if (rest == 0) return 0;
  const byte *member = members_of[unit];
  while (!digit->possible[*member]) member++;
  if (!value[*member]) append(&queue_end, *member, digit);
  return 1;
}

/* Returns 0 on a contradiction; the counters are right all the same. */
static int remove_candidate(byte cell, plane *digit) {
  int rest = left[cell] - 1, fine = rest != 0;
  digit->possible[cell] = 0;
  left[cell] = (byte)rest;
  append(&trail_end, cell, digit);
  if (rest == 1 && !value[cell]) {
    plane *only = planes;
    while (!only->possible[cell]) only++;
    append(&queue_end, cell, only);
  }
  if (!one_place_less(row_of[cell], digit)) fine = 0;
  if (!one_place_less(column_of[cell], digit)) fine = 0;
  if (!one_place_less(box_of[cell], digit)) fine = 0;
  return fine || contradiction(cell);
}

static int remove_from(const byte *member, byte cell, plane *digit) {
  for (const byte *end = member + 9; member != end; member++) {
    byte other = *member;
    if (digit->possible[other] && other != cell && !remove_candidate(other, digit)) return 0;
  }
  return 1;
}

/* Sets all values that follow. Returns 0 on a contradiction. */
static int propagate(void) {
  while (queue_end != queue) {
    queue_end--;
    byte cell = queue_end->cell;
    plane *digit = queue_end->digit;
    if (value[cell]) {
      if (value[cell] != digit->digit) return contradiction(cell);
      continue;
    }
    if (!digit->possible[cell]) return contradiction(cell);
    value[cell] = digit->digit;
    append(&trail_end, cell, 0);
    if (left[cell] != 1)
      for (plane *other = planes; other <= LAST; other++)
        if (other->possible[cell] && other != digit && !remove_candidate(cell, other)) return 0;
    if (!remove_from(members_of[row_of[cell]], cell, digit)) return 0;
    if (!remove_from(members_of[column_of[cell]], cell, digit)) return 0;
    if (!remove_from(members_of[box_of[cell]], cell, digit)) return 0;
  }
  return 1;
}

static void take_back(const entry *until) {
  queue_end = queue;
  while (trail_end != until) {
    trail_end--;
    byte cell = trail_end->cell, row = row_of[cell], column = column_of[cell], box = box_of[cell];
    plane *digit = trail_end->digit;
    if (!digit) {
      value[cell] = 0;
      continue;
    }
    digit->possible[cell] = 1;
    left[cell]++;
    digit->places[row]++, total[row]++;
    digit->places[column]++, total[column]++;
    digit->places[box]++, total[box]++;
  }
}

/* The empty cell to guess in, or -1. */
static int choose(void) {
  int best = -1, fewest = 10, around = 0;
  for (byte cell = 0; cell < CELLS; cell++) {
    int count = left[cell];
    if (count > fewest || value[cell]) continue;
    int sum = total[row_of[cell]] + total[column_of[cell]] + total[box_of[cell]];
    if (count == fewest && sum >= around) continue;
    best = cell;
    fewest = count;
    around = sum;
  }
  return best;
}

static int search(void) {
  int choice = choose();
  if (choice < 0) return 1;
  byte cell = (byte)choice;
  const entry *mark = trail_end;
  for (plane *digit = LAST; digit >= planes; digit--) {
    if (!digit->possible[cell]) continue;
    guesses++;
    say_cell("guess ", cell);
    print_string(" = ");
    putchar(digit->digit);
    putchar('\n');
    append(&queue_end, cell, digit);
    if (propagate() && search()) return 1;
    take_back(mark);
  }
  say_cell("back from ", cell);
  putchar('\n');
  return 0;
}

static void show(void) {
  const byte *p = value;
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
  char digit = '1';
  for (plane *p = planes; p <= LAST; p++) {
    memset(p->possible, 1, sizeof p->possible);
    memset(p->places, 9, sizeof p->places);
    p->digit = (byte)digit++;
  }
  memset(left, 9, sizeof left);
  memset(total, 81, sizeof total);
  int cell = 0, fine = 1;
  for (; *input && cell < CELLS; input++, cell++)
    if (*input >= '1' && *input <= '9') {
      plane *given = planes;
      while (given->digit != *input) given++;
      append(&queue_end, (byte)cell, given);
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
