/* Adds two decimal numbers of any length, "123+456", the way one does it on paper. */
enum { LIMIT = 400 };

static int is_digit(char c) { return c >= '0' && c <= '9'; }

void compute(const char *input) {
  static char sum[LIMIT];
  while (*input == ' ') input++;
  const char *first = input;
  while (is_digit(*input)) input++;
  const char *first_end = input;
  while (*input && !is_digit(*input)) input++;
  const char *second = input;
  while (is_digit(*input)) input++;
  const char *second_end = input;
  if (first == first_end || second == second_end || first_end - first >= LIMIT || second_end - second >= LIMIT) {
    print_string("expected two numbers, like 123+456\n");
    return;
  }
  const char *a = first_end, *b = second_end;
  char *digit = sum + LIMIT;
  int carry = 0, carries = 0;
  while (a != first || b != second) {
    int total = carry;
    if (a != first) total += *--a - '0';
    if (b != second) total += *--b - '0';
    carry = total >= 10;
    if (carry) total -= 10, carries++;
    *--digit = (char)('0' + total);
  }
  if (carry) *--digit = '1';
  for (a = first; a != first_end; a++) putchar(*a);
  print_string(" + ");
  for (b = second; b != second_end; b++) putchar(*b);
  print_string("\n= ");
  for (; digit != sum + LIMIT; digit++) putchar(*digit);
  print_string("\ncarries: ");
  print_int(carries);
  putchar('\n');
}
