// What tvm.h promises of every function: NULL, the last error, structs of other sizes, results of failed
// calls, and a callback that ends its thread.
#include <cstddef>
#include <cstring>
#include <thread>

#if defined(__GLIBC__)
#include <pthread.h>
#endif

#include "machine.hpp"
#include "runs.hpp"

namespace {

bool last_error_has(const char* part) { return std::strstr(tvm_last_error(), part) != nullptr; }

void null() {
  CHECK(std::strcmp(tvm_last_error(), "") == 0);
  tvm_options_default(nullptr);
  tvm_model_close(nullptr);
  CHECK(std::strcmp(tvm_last_error(), "") == 0);
  const auto refused = [](const char* text) { return text == nullptr && last_error_has("model is NULL"); };
  CHECK(refused(tvm_model_why_no_plan(nullptr)));
  tvm_model_open(nullptr, nullptr);
  CHECK(last_error_has("path is NULL"));
  CHECK(refused(tvm_model_metadata(nullptr)));
  tvm_model_open("", nullptr);
  CHECK(refused(tvm_model_token(nullptr, 0)));
  CHECK(tvm_model_get_sizes(nullptr, nullptr) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_model_head_kinds(nullptr, nullptr, 0) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_model_explain(nullptr, nullptr, 0, nullptr, nullptr) == TVM_ERROR_ARGUMENT);
  std::uint32_t blocks = 7;
  CHECK(tvm_model_kernel_blocks(nullptr, "", &blocks) == TVM_ERROR_ARGUMENT && blocks == 7);
  CHECK(tvm_trace(nullptr, 0, nullptr, 0, 0, nullptr, nullptr, nullptr) == TVM_ERROR_ARGUMENT);
  CHECK(tvm_follow(nullptr, 0, nullptr, 0, nullptr, nullptr, nullptr, nullptr) == TVM_ERROR_ARGUMENT);
}

// A call that fails leaves the state and what it would hand out as they were.
void follow() {
  const tvm_token_meaning meanings[] = {{TVM_TOKEN_OUTPUT, 'a', 1, 0}, {TVM_TOKEN_ERROR, 'b', 1, 0}};
  const std::int32_t tokens[] = {0, 0, 1, 2};
  tvm_followed state{};
  state.size = sizeof state, state.stop = -1;
  unsigned char written[4] = {};
  std::size_t bytes = 7, used = 7;
  CHECK(tvm_follow(meanings, 2, tokens + 2, 2, &state, written, &bytes, &used) == TVM_ERROR_ARGUMENT);
  CHECK(last_error_has("position 1: token id 2 is outside the vocabulary of 2"));
  CHECK(state.tokens == 0 && bytes == 7 && used == 7);
  CHECK(tvm_follow(meanings, 2, tokens, 3, &state, written, &bytes, &used) == TVM_OK);
  CHECK(used == 2 && bytes == 2 && written[1] == 'a' && state.stream == TVM_TOKEN_OUTPUT &&
        state.cursor == 2);
  CHECK(tvm_follow(meanings, 2, tokens + 2, 1, &state, written, &bytes, &used) == TVM_OK);
  CHECK(used == 1 && bytes == 1 && written[0] == 'b' && state.tokens == 3);
  CHECK(tvm_follow(meanings, 2, nullptr, 0, &state, nullptr, &bytes, &used) == TVM_OK && used == 0);
}

// The last error stays until the thread's next failure: one may close a model before reading it.
void last_error() {
  tvm_model* model = nullptr;
  CHECK(tvm_model_open("/nonexistent/model", &model) == TVM_ERROR_FILE && model == nullptr);
  const std::string before = tvm_last_error();
  CHECK(before.find("/nonexistent/model") == 0);
  {
    const Opened other(machine_like());
    tvm_model_sizes sizes{};
    sizes.size = sizeof sizes;
    CHECK(tvm_model_get_sizes(other.get(), &sizes) == TVM_OK &&
          tvm_model_why_no_plan(other.get()) != nullptr);
    CHECK(generate(other, {0, 3}, 5, layers(0, 0, 3, 1)).size() > 0);
    CHECK(before == tvm_last_error());
    CHECK(tvm_model_token(other.get(), 12) == nullptr && last_error_has("token id 12"));
  }
  std::thread([] { CHECK(std::strcmp(tvm_last_error(), "") == 0); }).join();
  CHECK(last_error_has("token id 12"));
}

// A struct as a caller's header has it: `size` bytes of it, and what must stay untouched behind.
template <class Struct>
struct Sized {
  explicit Sized(std::size_t size) {
    std::memset(&bytes, 0x5A, sizeof bytes);
    get()->size = static_cast<std::uint32_t>(size);
  }
  Struct* get() { return reinterpret_cast<Struct*>(bytes); }
  bool untouched_from(std::size_t end) const {
    return std::all_of(bytes + end, bytes + sizeof bytes, [](unsigned char byte) { return byte == 0x5A; });
  }
  alignas(Struct) unsigned char bytes[sizeof(Struct) + 16];
};

// From the smallest size to one of a newer header; smaller ones are refused. `before`: the size before the
// newest field.
template <class Struct, class Call>
void sizes(std::size_t smallest, std::size_t before, Call&& call) {
  for (std::size_t size = 0; size <= sizeof(Struct) + 16; ++size) {
    Sized<Struct> given(size);
    const tvm_status status = call(given.get());
    CHECK(given.get()->size == size);
    if (size < smallest) {
      CHECK(status == TVM_ERROR_ARGUMENT && last_error_has("size field") && given.untouched_from(4));
    } else {
      const std::size_t known = size < before ? smallest : size < sizeof(Struct) ? before : sizeof(Struct);
      CHECK(status == TVM_OK && given.untouched_from(known));
    }
  }
}

void structs() {
  const Opened m(machine_like());
  const Tokens tokens{0, 3, 5};
  const auto how = layers(0, 0, 3, 1);
  sizes<tvm_model_sizes>(
      offsetof(tvm_model_sizes, kinds_stored), sizeof(tvm_model_sizes), [&](tvm_model_sizes* given) {
        const tvm_status status = tvm_model_get_sizes(m.get(), given);
        CHECK(status != TVM_OK || (given->vocabulary == 12 && given->width == 24 && given->stop == 11));
        return status;
      });
  sizes<tvm_run_result>(
      offsetof(tvm_run_result, exact), offsetof(tvm_run_result, covered), [&](tvm_run_result* given) {
        const tvm_status status = tvm_generate(m.get(), tokens.data(), 3, 2, nullptr, nullptr, &how, given);
        CHECK(status != TVM_OK || (given->tokens >= 1 && given->cursor == -1 && given->output_seconds >= 0));
        return status;
      });
  sizes<tvm_verify_result>(offsetof(tvm_verify_result, exact), offsetof(tvm_verify_result, covered),
                           [&](tvm_verify_result* given) {
                             const tvm_status status =
                                 tvm_verify(m.get(), tokens.data(), 3, 1, 3, nullptr, &how, given);
                             CHECK(status != TVM_OK || (given->checked >= 1 && given->output_seconds >= 0));
                             return status;
                           });
  // Options: a field that the caller's struct lacks has its default, whatever lies there.
  tvm_run_result result{};
  result.size = sizeof result;
  for (std::uint32_t size = 0; size <= sizeof(tvm_options) + 8; ++size) {
    Sized<tvm_options> given(size);
    *given.get() = {size, TVM_PATH_LAYERS, 0,
                    0,    TVM_BYPASS_ALL,  -5};  // threads -5 are refused where they count
    const tvm_status status =
        tvm_generate(m.get(), tokens.data(), 3, 2, nullptr, nullptr, given.get(), &result);
    const bool lacks_threads = size >= offsetof(tvm_options, threads) && size < sizeof(tvm_options);
    CHECK(status == (lacks_threads ? TVM_OK : TVM_ERROR_ARGUMENT));
    CHECK(status == TVM_OK || last_error_has(size < sizeof(tvm_options) ? "size field" : "threads is -5"));
  }
}

// What a failed call leaves: nothing of it.
void untouched() {
  Machine m(3, 1, 12, 1);  // scores that are too large for the layer path from some position on
  const int a = m.token_slot({0, 1, 2});
  const int product = m.product(0, Machine::position(), {{0, 1e12}});
  m.output({{a, 1}, {product, 1e290}});
  const Opened model(m.bytes);
  const Tokens tokens(3000, 1);
  Tokens predicted(2999, -7);
  tvm_verify_result result{};
  result.size = sizeof result, result.ok = -7;
  const auto how = layers(0, 0, 3, 1);
  CHECK(tvm_verify(model.get(), tokens.data(), 3000, 1, 3000, predicted.data(), &how, &result) ==
        TVM_ERROR_LIMIT);
  CHECK(last_error_has("not finite") && !last_error_has("position 0 "));
  CHECK(predicted == Tokens(2999, -7) && result.ok == -7);
}

// A thread that its callback ends: Python's do that when the interpreter is gone.
void ending_threads() {
#if defined(__GLIBC__)
  static const Opened model(machine_like());
  static tvm_options how;
  Machine planned(3, 1, 12, 1);
  planned.output({{planned.token_slot({0, 1, 2}), 1}});
  static const Opened with_plan(planned.bytes);
  const auto body = [](void* which) -> void* {
    const std::int32_t prompt[] = {0, 1};
    tvm_run_result result{};
    result.size = sizeof result;
    const auto end = [](void*, const std::int32_t*, std::size_t) -> std::int32_t { pthread_exit(nullptr); };
    const tvm_model* chosen = which == nullptr ? model.get() : with_plan.get();
    tvm_generate(chosen, prompt, 2, 5, end, nullptr, which == nullptr ? &how : nullptr, &result);
    return which;  // never reached
  };
  how = layers(0, 0, 3, 2);
  for (void* which : {static_cast<void*>(nullptr), static_cast<void*>(&how)}) {
    pthread_t thread;
    void* left = &thread;
    CHECK(pthread_create(&thread, nullptr, body, which) == 0);
    CHECK(pthread_join(thread, &left) == 0 && left == nullptr);
  }
#endif
}

}  // namespace

int main() {
  null();
  last_error();
  follow();
  structs();
  untouched();
  ending_threads();
}
