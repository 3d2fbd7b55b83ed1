/* The heap: addresses, sizes, growth, and what cannot be had. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  char *p[8];
  printf("%zu pages\n", __builtin_wasm_memory_size(0));
  for (int i = 0; i < 8; i++) {
    p[i] = malloc(30000 << i);
    memset(p[i], i, 100);
    printf("%p\n", (void *)p[i]);
  }
  for (int i = 0; i < 8; i += 2) free(p[i]);
  p[1] = realloc(p[1], 1 << 20);
  printf("%p %d %zu pages\n", (void *)p[1], p[1][99], __builtin_wasm_memory_size(0));
  char *all = malloc(0xF0000000);
  printf("%d\n", all == NULL);
  char *zeros = calloc(1000, 1000);
  int sum = 0;
  for (int i = 0; i < 1000000; i += 1000) sum += zeros[i];
  printf("%d %p\n", sum, (void *)zeros);
}
