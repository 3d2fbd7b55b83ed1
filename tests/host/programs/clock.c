/* Time and chance. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  struct timespec first, second;
  clock_gettime(CLOCK_REALTIME, &first);
  clock_gettime(CLOCK_REALTIME, &second);
  printf("%lld.%09ld %ld\n", (long long)first.tv_sec, first.tv_nsec,
         second.tv_nsec - first.tv_nsec);
  sleep(2);
  clock_gettime(CLOCK_MONOTONIC, &second);
  printf("%lld.%09ld\n", (long long)second.tv_sec, second.tv_nsec);
  unsigned long long chance[2];
  unsigned char bytes[5];
  getentropy(chance, sizeof chance);
  getentropy(bytes, sizeof bytes);
  printf("%016llx %016llx %02x%02x\n", chance[0], chance[1], bytes[0], bytes[4]);
}
