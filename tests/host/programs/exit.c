/* Ends inside of a call, with handlers that run and text that is still in a buffer. */
#include <stdio.h>
#include <stdlib.h>

static void last(void) { puts("last"); }
static void deep(int n) {
  if (!n) exit(7);
  deep(n - 1);
}

int main(void) {
  atexit(last);
  printf("no newline");
  deep(5);
  puts("never");
}
