/* Every byte of standard input, whatever its value, to both streams. */
#include <unistd.h>

int main(void) {
  unsigned char buffer[100];
  ssize_t n;
  while ((n = read(0, buffer, sizeof buffer)) > 0) {
    write(1, buffer, n);
    for (ssize_t i = 0; i < n; i++) buffer[i] ^= 0x20;
    write(2, buffer, n);
  }
  return n;
}
