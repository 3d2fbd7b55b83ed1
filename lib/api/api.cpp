// The parts of the C ABI that concern no model: version, build info, last error, and tvm_trace.
#include <chrono>
#include <cstdio>
#include <string>

#include "api/guard.hpp"
#include "executor/executor.hpp"
#include "executor/program.hpp"
#include "executor/vocabulary.hpp"

namespace tvm {
namespace {

thread_local char last_error[1024];

}  // namespace

void set_last_error(const char* message) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", message);
}

}  // namespace tvm

extern "C" {

int32_t tvm_abi_version(void) { return TVM_ABI_VERSION; }

const char* tvm_last_error(void) { return tvm::last_error; }

tvm_status tvm_trace(const char* const* vocabulary, int32_t vocabulary_count, const int32_t* prompt,
                     size_t prompt_count, uint64_t limit, tvm_callback callback, void* user,
                     tvm_run_result* result) {
  return tvm::guard([&] {
    const auto start = std::chrono::steady_clock::now();
    tvm::require(vocabulary != nullptr, "vocabulary is NULL");
    tvm::require(vocabulary_count > 0, "vocabulary_count is not positive");
    tvm::require(prompt != nullptr, "prompt is NULL");
    tvm::require_size(result, "result");
    const tvm::executor::Vocabulary words({vocabulary, static_cast<std::size_t>(vocabulary_count)});
    const auto program = tvm::executor::decode(words, {prompt, prompt_count});
    const auto outcome = tvm::executor::execute(program, words, limit, callback, user);
    tvm_run_result run{};
    run.exact = 1;
    run.stopped = outcome.stopped;
    run.tokens = outcome.tokens;
    run.cursor = outcome.cursor;
    run.instructions = outcome.instructions;
    run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    tvm::give(result, run);
  });
}

}  // extern "C"
