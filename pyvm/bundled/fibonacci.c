/* The Fibonacci numbers F(1) to F(n), exact however long they get: decimal digits, lowest first. */
enum { DIGITS = 100 };

void compute(const char *input) {
  static unsigned char numbers[2][DIGITS];
  unsigned char *last = numbers[0], *next = numbers[1];
  int n = parse_int(&input), length = 1;
  if (n < 1 || n > 470) {
    print_string("expected a number from 1 to 470\n");
    return;
  }
  next[0] = 1;
  for (int i = 1;; i++) {
    print_string("F(");
    print_int(i);
    print_string(") = ");
    for (int k = length - 1; k >= 0; k--) putchar('0' + next[k]);
    putchar('\n');
    if (i == n) return;
    int carry = 0;
    for (int k = 0; k < length; k++) { /* last := last + next, and then they change places */
      int sum = last[k] + next[k] + carry;
      carry = sum >= 10;
      if (carry) sum -= 10;
      last[k] = (unsigned char)sum;
    }
    if (carry) last[length++] = 1;
    unsigned char *other = last;
    last = next;
    next = other;
  }
}
