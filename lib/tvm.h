/* libtvm: load, run and verify transformers whose weights execute programs.
 *
 * This header is the whole ABI and its manual. In short, without the checks of each status and with
 * `prompt`, the ids of a program's tokens, at hand (README.md beside this file has a whole program):
 *
 *     static int32_t show(void *user, const int32_t *tokens, size_t count) {
 *       for (size_t i = 0; i < count; ++i) puts(tvm_model_token(user, tokens[i]));
 *       return 0;
 *     }
 *
 *     tvm_model *model = NULL;
 *     if (tvm_model_open("standard.bin", &model) != TVM_OK) puts(tvm_last_error());
 *     tvm_run_result result = {.size = sizeof result};
 *     tvm_generate(model, prompt, prompt_count, 0, show, model, NULL, &result);
 *     tvm_model_close(model);
 *
 * Terms.     A token is one entry of a model's vocabulary, passed as its id (0 .. V - 1). A sequence of
 *            tokens is counted by position, from 0. The prompt is the tokens that a run is given before it
 *            generates: of a token program, its instructions and its input. At each position the model
 *            predicts the next token, the one with the highest score (greedy decoding); of equal scores
 *            the lower id wins.
 * Paths.     There are two ways to compute the predictions. The layer path computes every layer as the
 *            weights say. The plan is the same network, folded and specialised once per model, exact in
 *            integers and hundreds of times as fast; only models that are integer machines have one, and
 *            a sequence may leave the patterns that it was built on. A kernel is the plan as native code,
 *            several times as fast again, where one was compiled and loaded.
 * Memory.    A model takes what its weights take; its plan some megabytes more, which stay until it is
 *            closed, and so do up to 8 MB of a run's memory, for the next. A run on the plan takes a record
 *            for each cell that was written, and 2 bytes for each token that later positions may ask for;
 *            where memory can be given back (Linux), others are dropped from time to time, so that a
 *            machine whose records are few runs in some 30 MB however long. tvm_verify copies its tokens to
 *            2 bytes each, tvm_verify16 does not. The layer path copies those of 16 bits to 4 bytes each;
 *            with the standard machine it takes some 30 bytes a token, without bypass some 350.
 * Objects.   A tvm_model is immutable once opened: any number of threads may use one at the same
 *            time. Every run (tvm_generate, tvm_verify, tvm_trace) keeps its own state.
 * Errors.    A function that can fail returns a tvm_status, or a string that is NULL when it failed. A
 *            status other than TVM_OK, or NULL, leaves one clear sentence in tvm_last_error() of the
 *            calling thread, and out-parameters untouched. What succeeds leaves the last error as it
 *            is, so that one may clean up before reading it. No C++ exception crosses this boundary;
 *            the library never prints and never exits.
 * Callbacks. Called on the thread that made the call, before it returns, one at a time. What they are given
 *            is valid until they return. They may call any function here, but not close the model that
 *            runs, nor the tvm_run; of that they may ask only the position. They must not throw and not
 *            longjmp out; they may end their thread (pthread_exit): a tvm_run can then only be closed.
 * Ownership. The caller owns what it passes in and may free it when the call returns. Strings that
 *            the library returns belong to the object they were asked of (or are static).
 * NULL.      Not allowed unless a parameter says "or NULL". NULL where it is not allowed gives
 *            TVM_ERROR_ARGUMENT, or NULL from a function that returns a string, not a crash.
 * Structs.   A struct that may grow opens with its size. Set it to sizeof(the struct), or call the
 *            struct's defaults function, before passing it. Larger structs (a newer header's) and
 *            smaller ones (an older header's, down to the size that each struct names) are taken:
 *            fields that the caller's struct lacks have their defaults and are not written, fields
 *            that the library does not know are not looked at.
 */
#ifndef TVM_H
#define TVM_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(TVM_BUILD)
#define TVM_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(TVM_STATIC) /* who links the static library defines TVM_STATIC */
#define TVM_API __declspec(dllimport)
#elif defined(__GNUC__)
#define TVM_API __attribute__((visibility("default")))
#else
#define TVM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TVM_ABI_VERSION 2

typedef enum tvm_status {
  TVM_OK = 0,
  TVM_ERROR_ARGUMENT = 1,    /* a parameter is NULL, out of range or does not fit the model */
  TVM_ERROR_FILE = 2,        /* a file cannot be opened or read */
  TVM_ERROR_MODEL = 3,       /* the bytes are not a model, or a damaged or self-contradicting one */
  TVM_ERROR_MEMORY = 4,      /* memory ran out */
  TVM_ERROR_PROGRAM = 5,     /* a token program is malformed or does what has no meaning */
  TVM_ERROR_LIMIT = 6,       /* beyond what can be computed exactly (2^38 tokens): stopped rather than guessed */
  TVM_ERROR_UNSUPPORTED = 7, /* this build, machine or model cannot do what was asked: path plan for a model
                                that has none or a sequence that leaves it, projection blas in a build
                                without BLAS, or the explanation of a plan where there is none */
  TVM_ERROR_INTERNAL = 8     /* a defect of the library */
} tvm_status;

/* TVM_ABI_VERSION of the library. Call it first: other versions may differ in everything else. */
TVM_API int32_t tvm_abi_version(void);

/* How the library was built, as a JSON object: version, compiler, openmp, blas (name or null), kernel_abi
 * (the number that kernels must have, for tvm_model_load_kernel: the library itself has none and looks for
 * none), and as "kernels" the instruction sets of the layer path in this build and on this machine. Static;
 * NULL when memory ran out. */
TVM_API const char* tvm_build_info(void);

/* The calling thread's last error, "" before the first. Valid until the thread's next call that fails. */
TVM_API const char* tvm_last_error(void);

/* ---- models ------------------------------------------------------------------------------- */

typedef struct tvm_model tvm_model;

/* Opens a model file (or the same bytes in memory, which are copied). `path` goes to the C library's fopen as
 * it is: any bytes but 0 on POSIX systems, the active code page on Windows. Everything is checked before
 * use: sizes, finiteness, vocabulary, trailers, and that each stored head kind is what the weights say. */
TVM_API tvm_status tvm_model_open(const char* path, tvm_model** model);
TVM_API tvm_status tvm_model_open_memory(const void* bytes, size_t size, tvm_model** model);

/* NULL is allowed. No run of the model may be going on. */
TVM_API void tvm_model_close(tvm_model* model);

typedef struct tvm_model_sizes {
  uint32_t size;        /* sizeof(tvm_model_sizes), set by the caller */
  int32_t vocabulary;   /* V */
  int32_t width;        /* D, residual stream */
  int32_t layers;       /* L */
  int32_t heads;        /* H = D / 2 per layer */
  int32_t neurons;      /* F per layer */
  int32_t stop;         /* id of the stop token */
  int32_t kinds_stored; /* 1: the file has head kinds; 0: they were found from the weights; the smallest
                           struct ends before it */
} tvm_model_sizes;

TVM_API tvm_status tvm_model_get_sizes(const tvm_model* model, tvm_model_sizes* sizes);

/* The spelling of token `id`; NULL when id is out of range, which is an error. */
TVM_API const char* tvm_model_token(const tvm_model* model, int32_t id);

typedef enum tvm_head_kind {
  TVM_HEAD_LOOKUP = 0,      /* anything not below */
  TVM_HEAD_PASSTHROUGH = 1, /* attends to its own position */
  TVM_HEAD_GATHER = 2,      /* attends to the position that the query names */
  TVM_HEAD_AVERAGE = 3,     /* every position ties (with one possible exception): a running mean */
  TVM_HEAD_UNUSED = 4       /* its output is never read */
} tvm_head_kind;

/* Writes L*H kinds (tvm_head_kind), layer by layer; `count` must be L*H. */
TVM_API tvm_status tvm_model_head_kinds(const tvm_model* model, int32_t* kinds, size_t count);

/* "" when the model has a plan (path auto then takes it), else why it has none. Builds the plan if
 * no run has done so; NULL when memory runs out meanwhile, and the next call tries again. */
TVM_API const char* tvm_model_why_no_plan(const tvm_model* model);

/* Receives a text, which is valid during the call only. */
typedef void (*tvm_text_callback)(void* user, const char* text);

/* Hands over the plan as a JSON object: what was found in the weights, what is proved of it (the
 * certificate), and how positions are told apart. With tokens (count >= 1; NULL and 0 for none) the plan
 * reads and predicts them, teacher-forced, and the object also has the tapes that this made.
 * TVM_ERROR_UNSUPPORTED when the model has no plan. */
TVM_API tvm_status tvm_model_explain(const tvm_model* model, const int32_t* tokens, size_t count,
                                     tvm_text_callback callback, void* user);

/* A kernel is the plan's tapes as native code: the blocks that some traces need, written as C++ and compiled
 * into a shared object of its own. It gives the same tokens and the same errors; positions that it lacks are
 * interpreted. lib/kernel/README.md tells how one is compiled. */

/* A whole trace that a kernel is made for; its first `prompt` tokens are given, the others predicted. */
typedef struct tvm_kernel_trace {
  const int32_t* tokens;
  size_t count, prompt; /* 1 <= prompt <= count */
} tvm_kernel_trace;

/* Receives a source file; its name and text are valid during the call only. */
typedef void (*tvm_source_callback)(void* user, const char* name, const char* text);

/* Writes a kernel for the model: `parts` (1 to 64) is how many files its blocks are spread over, for each of
 * generating and verifying. The traces (at least one) begin with the same token, and are run.
 * TVM_ERROR_UNSUPPORTED when the model has no plan. */
TVM_API tvm_status tvm_model_kernel_source(const tvm_model* model, const tvm_kernel_trace* traces,
                                           size_t count, int32_t parts, tvm_source_callback callback,
                                           void* user);

/* Loads a kernel, which runs that begin afterwards take (path auto or kernel). It is native code: the path
 * must be one that the caller trusts. TVM_ERROR_FILE when it cannot be loaded, TVM_ERROR_UNSUPPORTED when it
 * is none, or one of another model or of another version of the library, TVM_ERROR_ARGUMENT when the model
 * has one. */
TVM_API tvm_status tvm_model_load_kernel(const tvm_model* model, const char* path);

/* Of how many blocks a kernel of the model is made: of two, the one with more covers more. It is loaded, as
 * above and with the same errors, looked at and put away; runs do not take it. */
TVM_API tvm_status tvm_model_kernel_blocks(const tvm_model* model, const char* path, uint32_t* blocks);

/* A number that differs where what two models compute, as far as their plans know it, differs: of weights,
 * not of names. Borders are of one such number. TVM_ERROR_UNSUPPORTED when the model has no plan. */
TVM_API tvm_status tvm_model_fingerprint(const tvm_model* model, uint64_t* fingerprint);

/* The JSON block of the file (names of slots, heads and neurons), "" when it has none. */
TVM_API const char* tvm_model_metadata(const tvm_model* model);

/* ---- options of a run --------------------------------------------------------------------- */

/* auto: the plan where the model has one and no layer option is set, by its kernel as far as one is loaded. A
 * sequence that leaves the plan before a token was handed over is run by layers instead. plan: interpreted.
 * kernel: the plan by its kernel, which must be loaded, as far as that goes. */
enum { TVM_PATH_AUTO = 0, TVM_PATH_PLAN = 1, TVM_PATH_LAYERS = 2, TVM_PATH_KERNEL = 3 };
enum {
  TVM_PROJECTION_AUTO = 0,
  TVM_PROJECTION_DENSE = 1,
  TVM_PROJECTION_BLAS = 2,
  TVM_PROJECTION_SPARSE = 3
};
enum { TVM_ATTENTION_AUTO = 0, TVM_ATTENTION_HULL = 1, TVM_ATTENTION_SCAN = 2 };
enum { TVM_BYPASS_NONE = 0, TVM_BYPASS_PASSTHROUGH = 1, TVM_BYPASS_GATHER = 2, TVM_BYPASS_ALL = 3 };

/* Every combination gives the same tokens; they differ in speed. A run that cannot promise it for its model
 * and sequence says so: `exact` of its result is 0 (tvm_run_result). `projection`, `attention` and
 * `bypass` belong to the layer path. Heads that `bypass` leaves (none of the shortcuts;
 * passthrough; passthrough and gather; all: also integer-key lookups, averages and unused heads)
 * use `attention`: scan is O(n) per query, hull O(log n). */
typedef struct tvm_options {
  uint32_t size;      /* sizeof(tvm_options) */
  int32_t path;       /* default auto: the plan if the model has one and no layer option is set */
  int32_t projection; /* default auto: by measured density of the weights */
  int32_t attention;  /* default auto: hull */
  int32_t bypass;     /* default all */
  int32_t threads;    /* default 0: as many as the machine has, where a path can use them; fewer where the
                         system gives no more. The smallest struct ends before it */
} tvm_options;

/* Sets the size and the fields above. Fields that later headers add are 0 by default and not written: a
 * caller's struct may be an older one. NULL is allowed, and does nothing. */
TVM_API void tvm_options_default(tvm_options* options);

/* ---- runs --------------------------------------------------------------------------------- */

/* Sees generated tokens in order, in chunks (count >= 1; how long they are is the path's choice). A non-zero
 * return stops the run after this chunk: the callback is not called again, and the run succeeds. When a run
 * fails with TVM_ERROR_LIMIT or TVM_ERROR_PROGRAM, the tokens before the failure have been handed over. */
typedef int32_t (*tvm_callback)(void* user, const int32_t* tokens, size_t count);
/* The same in 16 bits, for models of at most 65,536 tokens. */
typedef int32_t (*tvm_callback16)(void* user, const uint16_t* tokens, size_t count);

enum { TVM_STOPPED_TOKEN = 0, TVM_STOPPED_LIMIT = 1, TVM_STOPPED_CALLBACK = 2 };

typedef struct tvm_run_result {
  uint32_t size;             /* sizeof(tvm_run_result), set by the caller */
  int32_t stopped;           /* TVM_STOPPED_... */
  uint64_t tokens;           /* generated; the stop token counts */
  int64_t cursor;            /* tvm_trace: index of the instruction where it stopped; else -1 */
  uint64_t instructions;     /* tvm_trace: instructions executed; else 0 */
  double seconds;            /* wall time of the whole run */
  double projection_seconds; /* layer path: of which in projections, */
  double attention_seconds;  /* in attention, */
  double output_seconds;     /* and in the output head */
  int32_t exact;    /* 1: no sum was rounded in an order of BLAS's or the hull's own, and no integer of a
                       model that has a plan, so that every variant gives these tokens; 0: others may
                       differ. The smallest struct ends before it */
  uint64_t covered; /* positions that a kernel has run */
} tvm_run_result;

/* Greedy decoding: prefills `prompt` (count >= 1) and generates until the stop token, or until `limit`
 * tokens were generated (0: no limit), or until the callback says stop. `options` or NULL for the defaults;
 * `callback` or NULL. On TVM_ERROR_LIMIT the tokens handed over so far are right. */
TVM_API tvm_status tvm_generate(const tvm_model* model, const int32_t* prompt, size_t prompt_count,
                                uint64_t limit, tvm_callback callback, void* user, const tvm_options* options,
                                tvm_run_result* result);
/* The same with tokens of 16 bits, which take less memory and no conversion: runs on the plan hold them so. A
 * vocabulary beyond 65,536 tokens has ids that they cannot tell: TVM_ERROR_ARGUMENT. So tvm_verify16, tvm_trace16. */
TVM_API tvm_status tvm_generate16(const tvm_model* model, const uint16_t* prompt, size_t prompt_count,
                                  uint64_t limit, tvm_callback16 callback, void* user,
                                  const tvm_options* options, tvm_run_result* result);

typedef struct tvm_verify_result {
  uint32_t size;          /* sizeof(tvm_verify_result), set by the caller */
  int32_t ok;             /* 1: every checked position predicts the token that follows it */
  uint64_t checked;       /* positions whose prediction was compared */
  int64_t first_mismatch; /* position of the first token that differs from its prediction; -1: none */
  int32_t expected;       /* the token there; -1: none */
  int32_t predicted;      /* the model's prediction for it; -1: none */
  double seconds;
  double projection_seconds;
  double attention_seconds;
  double output_seconds;
  int32_t exact;    /* as in tvm_run_result; the smallest struct ends before it */
  uint64_t covered; /* positions that a kernel has run, those that were read included */
} tvm_verify_result;

/* Teacher forcing over `tokens` (count >= 1): checks tokens[first .. last) against the model's
 * predictions from the tokens before each; 1 <= first <= last <= count. Tokens before `first` (the
 * prompt) are read, not checked. `predicted`, or NULL, receives last - first predicted tokens: entry i is
 * the prediction for position first + i. Without it the run may end at the first mismatch. */
TVM_API tvm_status tvm_verify(const tvm_model* model, const int32_t* tokens, size_t count, size_t first,
                              size_t last, int32_t* predicted, const tvm_options* options,
                              tvm_verify_result* result);
TVM_API tvm_status tvm_verify16(const tvm_model* model, const uint16_t* tokens, size_t count, size_t first,
                                size_t last, int32_t* predicted, const tvm_options* options,
                                tvm_verify_result* result);

/* ---- runs that are kept ------------------------------------------------------------------- */

/* A run on the plan that stays between calls: it goes on piece by piece, and its state can be saved and
 * restored, so that a long run survives its process, and pieces of a trace are verified apart. Not for
 * several threads at once; any number of runs may share a model. Copies the prompt. TVM_ERROR_UNSUPPORTED
 * when the model has no plan, or when path is layers. After an error of generating, verifying or restoring,
 * or where memory ran out, the run can only be closed. */
typedef struct tvm_run tvm_run;

TVM_API tvm_status tvm_run_open(const tvm_model* model, const int32_t* prompt, size_t prompt_count,
                                const tvm_options* options, tvm_run** run);

/* NULL is allowed. The model must still be open. */
TVM_API void tvm_run_close(tvm_run* run);

/* Goes on as tvm_generate does, `limit` counted from here. A run that has come to its stop token stays there:
 * TVM_STOPPED_TOKEN, no token. A sequence that leaves the plan ends in TVM_ERROR_LIMIT, or
 * TVM_ERROR_UNSUPPORTED before a token of this call was handed over. */
TVM_API tvm_status tvm_run_generate(tvm_run* run, uint64_t limit, tvm_callback callback, void* user,
                                    tvm_run_result* result);

/* Checks that tokens are what the run predicts next, up to the first that is not; then the run can only be
 * closed. `first_mismatch` is a position of the whole sequence. */
TVM_API tvm_status tvm_run_verify(tvm_run* run, const int32_t* tokens, size_t count,
                                  tvm_verify_result* result);

/* Receives bytes, which are valid during the call only. */
typedef void (*tvm_bytes_callback)(void* user, const void* bytes, size_t size);

/* Positions that the run has read: all its tokens but the last, once it has generated or verified. */
TVM_API uint64_t tvm_run_position(const tvm_run* run);

/* A border: the state of the run at its position, as what has changed since the position `since` of an
 * earlier border; since 0 it is all, with those tokens that later positions can ask for. After that the run
 * keeps no others. Equal states give equal bytes, whatever computed them, so that two borders are compared
 * byte by byte. lib/plan/README.md has the layout. */
TVM_API tvm_status tvm_run_save(tvm_run* run, uint64_t since, tvm_bytes_callback callback, void* user);

/* Goes on from a border: a new run from one since 0, then from what has changed since there, in turn. Changes
 * may also be those since the end of the prompt, its length less 1, which any run can follow. With changes
 * come the tokens behind the position before, up to the new one (else NULL and 0). The bytes
 * need not be trusted: a border that is none is TVM_ERROR_ARGUMENT, and from a wrong one no run verifies up
 * to the right one behind it. */
TVM_API tvm_status tvm_run_restore(tvm_run* run, const void* border, size_t size, const int32_t* tokens,
                                   size_t count);

/* The native executor of token programs: runs the program in `prompt` as the token language defines it, with
 * no model, and hands over the same tokens that the standard machine generates. It is the oracle for long
 * runs. `vocabulary` (count spellings) says what the token ids mean. It must have the tokens of the base
 * machine; a program that needs another token which it lacks is TVM_ERROR_PROGRAM, as are reading a local
 * that was never written at this call depth, a stack that is too short, and a cursor outside the program. A
 * trap is no error: the run ends in trap(..) and halt, and result's cursor is that of the instruction.
 * Without the token trap(out_of_bounds) no address is checked, as on the base machine. */
TVM_API tvm_status tvm_trace(const char* const* vocabulary, int32_t vocabulary_count, const int32_t* prompt,
                             size_t prompt_count, uint64_t limit, tvm_callback callback, void* user,
                             tvm_run_result* result);
TVM_API tvm_status tvm_trace16(const char* const* vocabulary, int32_t vocabulary_count, const uint16_t* prompt,
                               size_t prompt_count, uint64_t limit, tvm_callback16 callback, void* user,
                               tvm_run_result* result);

/* ---- what a trace does -------------------------------------------------------------------- */

/* What a token of the token language does. */
enum {
  TVM_TOKEN_BYTE = 1,   /* `byte` is the next one of a value */
  TVM_TOKEN_OUTPUT = 2, /* writes `byte` */
  TVM_TOKEN_ERROR = 4,  /* writes it on the error stream */
  TVM_TOKEN_JUMPS = 8,  /* the last four bytes are an offset that moves the cursor, too */
  TVM_TOKEN_STOP = 16,
  TVM_TOKEN_BEGINS = 32, /* the first of them ends the program: counting begins behind it */
  TVM_TOKEN_PROMPT = 64  /* ends what is given behind the program: what comes next may be generated */
};
typedef struct tvm_token_meaning {
  uint8_t flags, byte;
  int8_t rows;  /* by which it moves the cursor */
  int8_t calls; /* by which it changes the number of open calls */
} tvm_token_meaning;

typedef struct tvm_followed {
  uint32_t size;   /* sizeof(tvm_followed), set by the caller */
  int32_t stream;  /* on which the last call wrote: TVM_TOKEN_OUTPUT, TVM_TOKEN_ERROR; 0: on none */
  uint64_t tokens; /* so far */
  uint64_t begin;  /* position behind the program, 0 when there was none */
  uint64_t prompt; /* position behind the prompt */
  int64_t stop;    /* position of the first stop token behind it; -1 */
  int64_t cursor;  /* index of the next instruction */
  int64_t calls;   /* open ones, */
  int64_t deepest; /* and as many as were open at once */
  uint32_t value;  /* the last four bytes */
} tvm_followed;

/* Follows a trace, in chunks of any size. `meanings` has an entry for each of `vocabulary` ids. `state` goes
 * from call to call; the first finds it zero, but for `size` and for `stop`, which is -1. `written` has room
 * for `count` bytes and receives those of one stream: *bytes of them. *used says how many tokens were read: the
 * next is one that writes on the other stream, or there is none. */
TVM_API tvm_status tvm_follow(const tvm_token_meaning* meanings, int32_t vocabulary, const int32_t* tokens,
                              size_t count, tvm_followed* state, unsigned char* written, size_t* bytes,
                              size_t* used);
TVM_API tvm_status tvm_follow16(const tvm_token_meaning* meanings, int32_t vocabulary, const uint16_t* tokens,
                                size_t count, tvm_followed* state, unsigned char* written, size_t* bytes,
                                size_t* used);

#ifdef __cplusplus
}
#endif

#endif /* TVM_H */
