/* Much of the C library: what each header has, in a function that is called after it.
 * tools/features.py lists the calls. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void formatted(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}

static void stdio_h(void) {
  char text[64];
  int n = 0, m = 0;
  printf("%5d|%-5u|%+05ld|%lld|%#x|%o|%c|%s|%.2s|%zu|%p|%hhd|%%\n", 42, 7u, -3L, 1LL << 40, 255, 8, 'c', "text", "cut", sizeof text, (void *)16, 300);
  formatted("%d %s\n", 1, "two");
  fprintf(stderr, "to stderr %d\n", snprintf(text, sizeof text, "%08.3d", 42));
  sprintf(text + 8, "-%x", 48879);
  puts(text);
  fputs("fputs ", stdout), putchar('p'), fputc('q', stdout), putc('\n', stdout);
  fwrite("fwrite\n", 1, 7, stdout);
  printf("%d %d %d\n", sscanf("12 0x1f abc", "%d %i %3[a-b]", &n, &m, text), n, m);
  int c = getchar();
  ungetc(c, stdin);
  while (fgets(text, sizeof text, stdin) && text[0] != '\n') printf("line %s", text);
  n = scanf("%d %63s", &m, text);
  printf("scanf %d %d %s\n", n, m, text);
  n = (int)fread(text, 1, 4, stdin);
  printf("fread %d\n", n);
  while (getc(stdin) != EOF) {}
  printf("%d %d\n", feof(stdin), ferror(stdin));
  fflush(stdout);
  errno = ENOENT;
  perror("perror");
}

static void stdlib_h(void) {
  int *numbers = malloc(10 * sizeof *numbers), key = 7;
  for (int i = 0; i < 10; i++) numbers[i] = i * 7 % 10;
  numbers = realloc(numbers, 1000 * sizeof *numbers);
  qsort(numbers, 10, sizeof *numbers, order);
  int *found = bsearch(&key, numbers, 10, sizeof *numbers, order);
  for (int i = 0; i < 10; i++) printf("%d ", numbers[i]);
  printf("at %td\n", found - numbers);
  free(numbers);
  char *end, *zeros = calloc(4, 25);
  printf("%d %ld %lu %lld %llu\n", atoi("-12x"), strtol("0x1fz", &end, 0), strtoul("777", NULL, 8), strtoll("-9000000000", NULL, 10), strtoull("18446744073709551615", NULL, 10));
  printf("%c %d %d %ld %lld\n", *end, zeros[99], abs(-5), labs(-6L), llabs(-7LL));
  div_t halves = div(17, 5);
  printf("%d %d\n", halves.quot, halves.rem);
  srand(1);
  int first = rand();
  srand(1);
  printf("%d %d\n", first == rand(), getenv("NOTHING") == NULL);
  free(zeros);
}

static void string_h(void) {
  char text[64] = "one,two;three", copy[64];
  strcpy(copy, text), strcat(copy, "!"), strncat(copy, "abc", 2);
  printf("%s %zu %zu %d %d %d\n", copy, strlen(copy), strnlen(copy, 5), strcmp("a", "b") < 0, strncmp("abc", "abd", 2), memcmp("x", "y", 1) < 0);
  printf("%s %s %s %s\n", strchr(text, 't'), strrchr(text, 't'), strstr(text, "two"), strpbrk(text, ";"));
  printf("%zu %zu %s\n", strspn(text, "eno"), strcspn(text, ",;"), (char *)memchr(text, ';', 20));
  for (char *rest = text, *word; (word = strtok(rest, ",;")); rest = NULL) printf("[%s]", word);
  memset(copy, '-', 8), memcpy(copy + 2, "AB", 2), memmove(copy + 3, copy + 2, 4), strncpy(copy + 8, "end", 4);
  char *twin = strdup(copy);
  printf(" %s %s\n", twin, strerror(EINVAL));
  free(twin);
}

static void strings_h(void) { printf("%d %d\n", strcasecmp("ABC", "abc"), strncasecmp("ABx", "aby", 2)); }

static void ctype_h(void) {
  int all = 0;
  for (int c = 0; c < 128; c++) all += isalpha(c) + 2 * isdigit(c) + 3 * isspace(c) + isupper(c) + islower(c) + ispunct(c) + isprint(c) + iscntrl(c) + isxdigit(c) + isalnum(c) + isgraph(c) + isblank(c);
  printf("%d %c%c\n", all != 0, toupper('a'), tolower('B'));
}

static void time_h(void) {
  time_t when = 1000000000, now = time(NULL);
  char text[64];
  struct tm *parts = gmtime(&when);
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j", parts);
  printf("%s %d %d\n", text, mktime(parts) == when, now > 0);
}

static void inttypes_h(void) { printf("%" PRId64 " %" PRIx32 " %d\n", INT64_MIN, (uint32_t)0xabc, (int)strtoimax("-77", NULL, 10)); }

static void locale_h(void) { printf("%s\n", setlocale(LC_ALL, NULL)); }

static void wchar_h(void) {
  wchar_t wide[8];
  printf("%zu %zu\n", mbstowcs(wide, "abc", 8), wcslen(wide));
}

static void unistd_h(void) {
  fflush(stdout);
  printf("%d\n", (int)write(STDOUT_FILENO, "write\n", 6));
}

static void late(void) { puts("atexit"); }

int main(void) {
  stdio_h(), stdlib_h(), string_h(), strings_h(), ctype_h(), time_h(), inttypes_h(), locale_h(), wchar_h(), unistd_h();
  assert(INT_MAX > 0);
  atexit(late);
  exit(42);
}
