/* The Collatz sequence of a number, its length and its highest point. */
void compute(const char *input) {
  unsigned n = 0, highest, steps = 0;
  if (sscanf(input, "%u", &n) != 1 || n == 0) {
    print_string("expected a positive number\n");
    return;
  }
  highest = n;
  print_unsigned(n);
  while (n != 1) {
    if (n & 1) {
      if (n > 0x55555554u) {
        print_string(" ... too large\n");
        return;
      }
      n = n + n + n + 1;
    } else {
      n = n / 2;
    }
    if (n > highest) highest = n;
    steps++;
    print_string(" -> ");
    print_unsigned(n);
  }
  printf("\n%u steps, highest %u\n", steps, highest);
}
