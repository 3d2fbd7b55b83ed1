// Fuzz target: a model file. It is refused, or it answers every question and runs; where the plan and the
// layers both give tokens that they call exact, the tokens are the same.
//
// The mutator mends the checksum behind what it changed, and sets some weights to numbers that mean
// something.
#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "base/crc32.hpp"
#include "target.hpp"
#include "tvm.h"

#if defined(TVM_FUZZ)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
#endif

namespace {

std::uint32_t word_at(const std::uint8_t* data, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t k = 0; k < 4; ++k) value |= std::uint32_t{data[at + k]} << (8 * k);
  return value;
}

// Where the weights begin; `size` when the file ends before.
[[maybe_unused]] std::size_t weights_begin(const std::uint8_t* data, std::size_t size) {
  if (size < 24) return size;
  const std::uint32_t vocabulary = word_at(data, 0);
  std::size_t at = 24;
  for (std::uint32_t i = 0; i < vocabulary; ++i) {
    if (size - at < 4) return size;
    const std::size_t length = word_at(data, at);
    if (length > size - at - 4) return size;
    at += 4 + length;
  }
  return at;
}

[[maybe_unused]] void mend_checksum(std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHead = 20;  // magic, version, length, checksum
  for (std::size_t at = size < kHead ? 0 : size - kHead + 1; at-- > 0;) {
    if (std::memcmp(data + at, "TVMX", 4) != 0) continue;
    const std::uint32_t sum = tvm::crc32({data + at + kHead, size - at - kHead}, tvm::crc32({data, at}));
    for (std::size_t k = 0; k < 4; ++k) data[at + 16 + k] = static_cast<std::uint8_t>(sum >> (8 * k));
    const std::uint64_t length = size - at - kHead;
    for (std::size_t k = 0; k < 8; ++k) data[at + 8 + k] = static_cast<std::uint8_t>(length >> (8 * k));
    return;
  }
}

struct Run {
  tvm_status status;
  std::vector<std::int32_t> tokens;
  bool exact;
};

Run generate(const tvm_model* model, const std::vector<std::int32_t>& prompt, int path, int attention,
             int bypass) {
  tvm_options how;
  tvm_options_default(&how);
  how.path = path, how.attention = attention, how.bypass = bypass, how.threads = 1;
  tvm_run_result result{};
  result.size = sizeof result;
  Run run{};
  const auto take = [](void* user, const std::int32_t* tokens, std::size_t count) -> std::int32_t {
    auto& all = *static_cast<std::vector<std::int32_t>*>(user);
    all.insert(all.end(), tokens, tokens + count);
    return 0;
  };
  run.status = tvm_generate(model, prompt.data(), prompt.size(), 12, take, &run.tokens, &how, &result);
  REQUIRE(run.status != TVM_ERROR_INTERNAL && run.status != TVM_ERROR_ARGUMENT);
  run.exact = run.status == TVM_OK && result.exact != 0;
  return run;
}

}  // namespace

#if defined(TVM_FUZZ)
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
  std::minstd_rand random(seed);
  const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random()) % end; };
  const std::size_t begin = weights_begin(data, size);
  if (size - begin >= 8 && below(4) != 0) {
    constexpr double kNumbers[] = {
        0,   -0.0, 1,    -1,     2,      -2,    3,     0.5,  0.3,        4,     14142135623.730951, 1e30,
        1e6, -1e6, 9e15, 5e-324, 1e-310, 1e300, 1e155, 7.25, 94906266.0, -1e30, 17179869184.0,      0x1p53};
    for (std::size_t i = 1 + below(3); i > 0; --i) {
      const std::size_t at = begin + 8 * below((size - begin) / 8);
      const double number = kNumbers[below(std::size(kNumbers))];
      std::memcpy(data + at, &number, sizeof number);
    }
  } else {
    size = LLVMFuzzerMutate(data, size, most);
  }
  if (below(16) != 0) mend_checksum(data, size);
  return size;
}
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (data == nullptr) return 0;
  tvm_model* model = nullptr;
  const tvm_status opened = tvm_model_open_memory(data, size, &model);
  REQUIRE((opened == TVM_OK) == (model != nullptr) && (opened == TVM_OK || opened == TVM_ERROR_MODEL));
  if (model == nullptr) return 0;
  tvm_model_sizes sizes{};
  sizes.size = sizeof sizes;
  REQUIRE(tvm_model_get_sizes(model, &sizes) == TVM_OK);
  REQUIRE(tvm_model_token(model, sizes.vocabulary - 1) != nullptr && tvm_model_metadata(model) != nullptr);
  std::vector<std::int32_t> kinds(static_cast<std::size_t>(sizes.layers) *
                                  static_cast<std::size_t>(sizes.heads));
  REQUIRE(tvm_model_head_kinds(model, kinds.data(), kinds.size()) == TVM_OK);
  const char* why = tvm_model_why_no_plan(model);
  REQUIRE(why != nullptr);
  std::vector<std::int32_t> prompt;
  for (std::int32_t i = 0; i < 6; ++i) prompt.push_back((i * 5 + 1) % sizes.vocabulary);
  const Run scan = generate(model, prompt, TVM_PATH_LAYERS, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE);
  const Run kinds_used = generate(model, prompt, TVM_PATH_LAYERS, TVM_ATTENTION_HULL, TVM_BYPASS_ALL);
  if (scan.exact && kinds_used.exact) REQUIRE(scan.tokens == kinds_used.tokens);
  if (*why == '\0') {
    const Run plan = generate(model, prompt, TVM_PATH_PLAN, TVM_ATTENTION_AUTO, TVM_BYPASS_ALL);
    if (scan.exact && plan.exact) REQUIRE(scan.tokens == plan.tokens);
    const tvm_status explained =
        tvm_model_explain(model, prompt.data(), prompt.size(), [](void*, const char*) {}, nullptr);
    REQUIRE(explained != TVM_ERROR_INTERNAL && explained != TVM_ERROR_ARGUMENT);
  }
  tvm_model_close(model);
  return 0;
}
