/* Runs a token program inside a model: streams what is generated, verifies every position on two
 * threads, and stops a run from its callback.
 *
 *     run MODEL PROGRAM          PROGRAM is a text of tokens, as `pyvm compile` writes it
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm.h>

struct sequence {
  int32_t* tokens;
  size_t count, room;
};

static int append(struct sequence* s, int32_t token) {
  if (s->count == s->room) {
    const size_t room = s->room ? 2 * s->room : 1024;
    int32_t* grown = realloc(s->tokens, room * sizeof *grown);
    if (grown == NULL) return -1;
    s->tokens = grown, s->room = room;
  }
  s->tokens[s->count++] = token;
  return 0;
}

/* The id of a word in the model's vocabulary, -1 if it has none. */
static int32_t id_of(const tvm_model* model, int32_t count, const char* word) {
  for (int32_t id = 0; id < count; ++id)
    if (strcmp(tvm_model_token(model, id), word) == 0) return id;
  return -1;
}

/* Generated tokens arrive here in chunks while the run goes on; anything but 0 stops it. */
static int32_t collect(void* user, const int32_t* tokens, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (append(user, tokens[i]) != 0) return 1;
  return 0;
}

static int32_t count_a_thousand(void* user, const int32_t* tokens, size_t count) {
  (void)tokens;
  return (*(size_t*)user += count) >= 1000;
}

static int fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, tvm_last_error());
  return 1;
}

static int read_program(const char* path, const tvm_model* model, int32_t vocabulary,
                        struct sequence* prompt) {
  FILE* file = fopen(path, "r");
  if (file == NULL) return perror(path), 1;
  int failed = 0;
  for (char word[64]; !failed && fscanf(file, "%63s", word) == 1;) {
    const int32_t id = id_of(model, vocabulary, word);
    failed = id < 0 || append(prompt, id) != 0;
    if (failed) fprintf(stderr, "%s: %s is no token of the model\n", path, word);
  }
  fclose(file);
  return failed;
}

int main(int argc, char** argv) {
  if (argc != 3) return fputs("usage: run MODEL PROGRAM\n", stderr), 2;
  tvm_model* model = NULL;
  if (tvm_model_open(argv[1], &model) != TVM_OK) return fail(argv[1]);
  tvm_model_sizes sizes = {.size = sizeof sizes};
  struct sequence prompt = {0}, all = {0};
  int status = tvm_model_get_sizes(model, &sizes) != TVM_OK
                   ? fail("sizes")
                   : read_program(argv[2], model, sizes.vocabulary, &prompt);
  for (size_t i = 0; status == 0 && i < prompt.count; ++i) status = -append(&all, prompt.tokens[i]);

  tvm_run_result run = {.size = sizeof run};
  if (status == 0 && tvm_generate(model, prompt.tokens, prompt.count, 0, collect, &all, NULL, &run) != TVM_OK)
    status = fail("generate");
  tvm_options two;
  tvm_verify_result check = {.size = sizeof check};
  if (status == 0) {
    tvm_options_default(&two);
    two.threads = 2;
    if (tvm_verify(model, all.tokens, all.count, prompt.count, all.count, NULL, &two, &check) != TVM_OK)
      status = fail("verify");
  }
  if (status == 0) {
    printf("%" PRIu64 " tokens generated, %s\n", run.tokens, check.ok ? "every position ok" : "MISMATCH");
    status = !check.ok;
  }
  size_t seen = 0;
  if (status == 0 &&
      tvm_generate(model, prompt.tokens, prompt.count, 0, count_a_thousand, &seen, NULL, &run) != TVM_OK)
    status = fail("generate");
  if (status == 0)
    printf("stopped by its callback: %s\n", run.stopped == TVM_STOPPED_CALLBACK ? "yes" : "no");

  free(prompt.tokens);
  free(all.tokens);
  tvm_model_close(model);
  return status;
}
