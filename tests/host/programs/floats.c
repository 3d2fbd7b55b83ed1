/* Floats through the C library: text to number, number to text, functions of math.h. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  double x = argc > 1 ? strtod(argv[1], 0) : 2.0;
  printf("%f %g %.3e %a\n", x, x * 1e10, x / 3, x);
  printf("%f %f %f\n", sqrt(x), sin(x), pow(x, 2.5));
  float f = (float)x / 7;
  printf("%.9g %d %llu\n", f, (int)(f * 100), (unsigned long long)(x * 1e15));
  printf("%g %g %g\n", floor(-x), ceil(x), fmod(x, 0.3));
  return 0;
}
