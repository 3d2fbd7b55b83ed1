#include "layers/runs.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/error.hpp"
#include "layers/forward.hpp"

namespace tvm {
namespace {

constexpr std::size_t kHandOver = 1024;  // tokens per callback: a few milliseconds of work

template <class Result>
void describe(const Forward& forward, Result& result) {
  result.exact = forward.exact();
  result.projection_seconds = forward.seconds().projection;
  result.attention_seconds = forward.seconds().attention;
  result.output_seconds = forward.seconds().output;
}

}  // namespace

void generate_by_layers(const Model& model, bool integers, std::span<const std::int32_t> prompt,
                        std::uint64_t limit, tvm_callback callback, void* user, const tvm_options& options,
                        tvm_run_result& result) {
  Forward forward(model, options, integers);
  std::vector<std::int32_t> tokens(prompt.begin(), prompt.end());
  std::int32_t prediction = -1;
  forward.read(prompt, prompt.size() - 1, [&](std::size_t, std::span<const std::int32_t> found) {
    prediction = found[0];
    return true;
  });
  std::size_t shown = tokens.size();
  using Clock = std::chrono::steady_clock;
  auto since = Clock::now();
  double seconds = 0.0;  // without those of the callback
  const auto hand_over = [&] {
    const std::size_t count = tokens.size() - shown;
    seconds += std::chrono::duration<double>(Clock::now() - since).count();
    const bool stop = count > 0 && callback != nullptr && callback(user, tokens.data() + shown, count) != 0;
    shown = tokens.size();
    since = Clock::now();
    return stop;
  };
  result.cursor = -1;
  try {
    while (true) {
      tokens.push_back(prediction);
      ++result.tokens;
      const bool ended = prediction == model.stop, full = result.tokens == limit;
      if (ended || full) {
        hand_over();
        result.stopped = ended ? TVM_STOPPED_TOKEN : TVM_STOPPED_LIMIT;
        break;
      }
      if (tokens.size() - shown == kHandOver && hand_over()) {
        result.stopped = TVM_STOPPED_CALLBACK;
        break;
      }
      prediction = forward.next(tokens);
    }
  } catch (const Error&) {
    hand_over();
    throw;
  }
  forward.add_next_seconds(seconds);
  describe(forward, result);
}

void verify_by_layers(const Model& model, bool integers, std::span<const std::int32_t> tokens,
                      std::size_t first, std::size_t last, std::int32_t* predicted,
                      const tvm_options& options, tvm_verify_result& result) {
  Forward forward(model, options, integers);
  result.ok = 1;
  result.checked = 0;
  result.first_mismatch = result.expected = result.predicted = -1;
  // Position p predicts position p + 1: the last that matters is last - 2.
  forward.read(tokens.first(last - 1), first - 1,
               [&](std::size_t start, std::span<const std::int32_t> found) {
                 for (std::size_t i = 0; i < found.size(); ++i) {
                   const std::size_t position = start + i + 1;
                   ++result.checked;
                   if (predicted != nullptr) predicted[position - first] = found[i];
                   if (found[i] == tokens[position] || result.ok == 0) continue;
                   result.ok = 0;
                   result.first_mismatch = static_cast<std::int64_t>(position);
                   result.expected = tokens[position];
                   result.predicted = found[i];
                   if (predicted == nullptr) return false;
                 }
                 return true;
               });
  describe(forward, result);
}

}  // namespace tvm
