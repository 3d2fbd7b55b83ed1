/* Calls through tables: a calculator in reverse Polish notation whose operators are functions in a
 * table, a tokenizer whose states are functions (text in parentheses is a comment), sorts of the
 * results, and a fold over them. Input: expressions, with a comma behind each; then a digit for each
 * order to sort by (0: rising, 1: falling, 2: the last octal digit), and the operator of the fold. */
typedef int (*Binary)(int, int);
typedef struct Machine Machine;
typedef int (*State)(Machine *, char);

struct Machine {
  int state, number, depth, stack[32];
};

enum { BETWEEN, IN_NUMBER, IN_COMMENT, STATES };

static int add(int a, int b) { return a + b; }
static int subtract(int a, int b) { return a - b; }
static int multiply(int a, int b) { return a * b; }
static int divide(int a, int b) { return b ? a / b : 0; }
static int lower(int a, int b) { return a < b ? a : b; }
static int higher(int a, int b) { return a > b ? a : b; }
static int both(int a, int b) { return a & b; }
static int different(int a, int b) { return a ^ b; }

static const Binary OPERATORS[128] = {['+'] = add,   ['-'] = subtract, ['*'] = multiply, ['/'] = divide,
                                      ['<'] = lower, ['>'] = higher,   ['&'] = both,     ['^'] = different};

static int between(Machine *m, char c) {
  Binary apply = OPERATORS[c & 127];
  if (isdigit(c)) {
    m->number = c - '0';
    return IN_NUMBER;
  }
  if (c == '(') return IN_COMMENT;
  if (apply && m->depth >= 2) {
    m->depth--;
    m->stack[m->depth - 1] = apply(m->stack[m->depth - 1], m->stack[m->depth]);
  }
  return BETWEEN;
}

static int in_number(Machine *m, char c) {
  if (isdigit(c)) {
    m->number = m->number * 10 + (c - '0');
    return IN_NUMBER;
  }
  if (m->depth < 32) m->stack[m->depth++] = m->number;
  return between(m, c);
}

static int in_comment(Machine *m, char c) {
  (void)m;
  return c == ')' ? BETWEEN : IN_COMMENT;
}

static const State NEXT[STATES] = {between, in_number, in_comment};

static int ascending(int a, int b) { return a < b; }
static int descending(int a, int b) { return a > b; }
static int by_last_octal_digit(int a, int b) { return (a & 7) < (b & 7); }

static const Binary ORDERS[] = {ascending, descending, by_last_octal_digit};

static void sort(Binary before, int *values, int count) {
  for (int i = 1; i < count; i++) {
    int value = values[i], k = i;
    for (; k > 0 && before(value, values[k - 1]); k--) values[k] = values[k - 1];
    values[k] = value;
  }
}

static int fold(Binary combine, const int *values, int count) {
  int result = values[0];
  for (int i = 1; i < count; i++) result = combine(result, values[i]);
  return result;
}

static const char *last_comma(const char *text) {
  const char *last = text - 1;
  for (; *text; text++)
    if (*text == ',') last = text;
  return last;
}

void compute(const char *input) {
  int results[64], count = 0;
  Machine machine = {0};
  for (const char *last = last_comma(input); input <= last && count < 64; input++) {
    machine.state = NEXT[machine.state](&machine, *input == ',' ? ' ' : *input);
    if (*input != ',') continue;
    results[count++] = machine.depth ? machine.stack[machine.depth - 1] : 0;
    machine.depth = 0;
  }
  for (; *input >= '0' && *input <= '2'; input++) sort(ORDERS[*input - '0'], results, count);
  for (int i = 0; i < count; i++) print_int(results[i]), putchar(i + 1 < count ? ' ' : '\n');
  Binary combine = OPERATORS[*input & 127];
  if (combine && count) print_int(fold(combine, results, count)), putchar('\n');
}
