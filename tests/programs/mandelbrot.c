/* Mandelbrot's set. Input: columns, rows and the most rounds. Prints a picture: how soon a point runs
 * away.
 */
void compute(const char* input) {
  int columns = parse_int(&input), rows = parse_int(&input), most = parse_int(&input);
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < columns; column++) {
      double real = 3.0 * column / columns - 2.25, imaginary = 2.5 * row / rows - 1.25;
      double x = 0, y = 0, x2 = 0, y2 = 0;
      int rounds = 0;
      for (; rounds < most && x2 + y2 <= 4; rounds++) {
        y = 2 * x * y + imaginary;
        x = x2 - y2 + real;
        x2 = x * x;
        y2 = y * y;
      }
      putchar(rounds == most ? '#' : " .:-=+*%"[rounds & 7]);
    }
    putchar('\n');
  }
}
