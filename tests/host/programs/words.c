/* Counts words of standard input, in a table that grows. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
  char *text;
  int count;
};

static int by_count(const void *a, const void *b) {
  const struct word *x = a, *y = b;
  return x->count != y->count ? y->count - x->count : strcmp(x->text, y->text);
}

int main(void) {
  struct word *words = NULL;
  size_t used = 0, room = 0, length;
  char line[256], *word;
  while (fgets(line, sizeof line, stdin)) {
    for (word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n")) {
      length = strlen(word);
      for (size_t i = 0; i < length; i++) word[i] = tolower((unsigned char)word[i]);
      size_t i = 0;
      while (i < used && strcmp(words[i].text, word)) i++;
      if (i == used) {
        if (used == room) words = realloc(words, (room = 2 * room + 1) * sizeof *words);
        words[used++] = (struct word){strdup(word), 0};
      }
      words[i].count++;
    }
  }
  qsort(words, used, sizeof *words, by_count);
  for (size_t i = 0; i < used; i++) printf("%4d %s\n", words[i].count, words[i].text);
  for (size_t i = 0; i < used; i++) free(words[i].text);
  free(words);
}
