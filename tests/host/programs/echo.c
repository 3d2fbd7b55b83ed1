/* Arguments, environment, both streams and a status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("%d: [%s]\n", i, argv[i]);
  const char *home = getenv("HOME"), *none = getenv("NONE");
  printf("HOME=%s NONE=%s\n", home ? home : "-", none ? none : "-");
  fprintf(stderr, "%d arguments\n", argc);
  return argc > 1 ? atoi(argv[1]) : 0;
}
