/* setjmp and longjmp: through frames, nested, in loops, by pointers, with the value 0. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf outer, inner;

static int deep(int n, jmp_buf to, int value) {
  if (n == 0) longjmp(to, value);
  return deep(n - 1, to, value) + n;
}

static int (*volatile through)(int, jmp_buf, int) = deep;

static void nested(int which) {
  int came = setjmp(inner);
  if (came) {
    printf("inner %d\n", came);
    if (which == 2) longjmp(outer, came + 100);
    return;
  }
  through(5, which == 1 ? outer : inner, which + 1);
}

/* A parser that gives up from anywhere, as interpreters do. */
static const char *text;
static jmp_buf failed;

static long sum(void);

static long atom(void) {
  if (*text == '(') {
    text++;
    long value = sum();
    if (*text++ != ')') longjmp(failed, 1);
    return value;
  }
  if (*text < '0' || *text > '9') longjmp(failed, 2);
  return strtol(text, (char **)&text, 10);
}

static long sum(void) {
  long value = atom();
  while (*text == '+') {
    text++;
    value += atom();
  }
  return value;
}

int main(void) {
  volatile int rounds = 0;
  int value = setjmp(outer);
  printf("outer %d\n", value);
  if (rounds < 4) {
    int which = rounds++;
    if (which == 3) longjmp(outer, 0);
    nested(which);
    longjmp(outer, 50);
  }
  double kept[3] = {1.5, 2.5, 3.5};
  for (volatile int i = 0; i < 4; i++) {
    jmp_buf here;
    if (setjmp(here) == 0) {
      if (i % 2) deep(i, here, i);
      printf("%d straight\n", i);
    } else {
      printf("%d by a jump, %g\n", i, kept[i / 2]);
    }
  }
  const char *inputs[] = {"1+2+(3+4)", "1+(2", "7+x", "((5))"};
  for (int i = 0; i < 4; i++) {
    int error = setjmp(failed);
    if (error) {
      printf("%s: error %d\n", inputs[i], error);
      continue;
    }
    text = inputs[i];
    long result = sum();
    printf("%s = %ld\n", inputs[i], result);
  }
  return rounds;
}
