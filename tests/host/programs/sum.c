/* Numbers from standard input. */
#include <stdio.h>

int main(void) {
  long long sum = 0, n;
  int count = 0;
  while (scanf("%lld", &n) == 1) sum += n, count++;
  printf("%d numbers, sum %lld\n", count, sum);
  return feof(stdin) ? 0 : 3;
}
