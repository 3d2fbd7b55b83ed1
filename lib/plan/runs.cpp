#include "plan/runs.hpp"

#include <vector>

#include "api/error.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 15;  // tokens per callback: about a millisecond

}  // namespace

void generate(const Plan& plan, std::int32_t stop, std::span<const std::int32_t> prompt, std::uint64_t limit,
              tvm_callback callback, void* user, tvm_run_result& result) {
  Sequence sequence(plan);
  result.cursor = -1;
  result.tokens = 0;
  for (const std::int32_t token : prompt.first(prompt.size() - 1)) sequence.read(token);
  std::vector<std::int32_t> chunk;
  chunk.reserve(kHandOver);
  const auto hand_over = [&] {
    const bool stopped =
        !chunk.empty() && callback != nullptr && callback(user, chunk.data(), chunk.size()) != 0;
    result.tokens += chunk.size();
    chunk.clear();
    return stopped;
  };
  try {
    std::int32_t token = prompt.back();
    while (true) {
      token = sequence.predict(token);
      chunk.push_back(token);
      const bool full = limit != 0 && result.tokens + chunk.size() == limit;
      if (token == stop || full) {
        hand_over();
        result.stopped = token == stop ? TVM_STOPPED_TOKEN : TVM_STOPPED_LIMIT;
        return;
      }
      if (chunk.size() == kHandOver && hand_over()) {
        result.stopped = TVM_STOPPED_CALLBACK;
        return;
      }
    }
  } catch (const Error&) {
    hand_over();
    throw;
  }
}

void verify(const Plan& plan, std::span<const std::int32_t> tokens, std::size_t first, std::size_t last,
            std::int32_t* predicted, tvm_verify_result& result) {
  Sequence sequence(plan);
  result.ok = 1;
  result.first_mismatch = result.expected = result.predicted = -1;
  result.checked = 0;
  for (std::size_t position = 1; position < last; ++position) {
    if (position < first) {
      sequence.read(tokens[position - 1]);
      continue;
    }
    const std::int32_t prediction = sequence.predict(tokens[position - 1]);
    ++result.checked;
    if (predicted != nullptr) predicted[position - first] = prediction;
    if (prediction == tokens[position] || result.ok == 0) continue;
    result.ok = 0;
    result.first_mismatch = static_cast<std::int64_t>(position);
    result.expected = tokens[position];
    result.predicted = prediction;
    if (predicted == nullptr) return;
  }
}

}  // namespace tvm::plan
