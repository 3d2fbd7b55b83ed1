#include "forward/runs.hpp"

#include <algorithm>
#include <vector>

#include "api/error.hpp"
#include "forward/forward.hpp"

namespace tvm {
namespace {

constexpr std::size_t kHandOver = 1024;  // tokens per callback: a few milliseconds of work

template <class Result>
void give_seconds(const Forward& forward, Result& result) {
  result.projection_seconds = forward.seconds().projection;
  result.attention_seconds = forward.seconds().attention;
  result.output_seconds = forward.seconds().output;
}

}  // namespace

void generate_by_layers(const Model& model, std::span<const std::int32_t> prompt, std::uint64_t limit,
                        tvm_callback callback, void* user, const tvm_options& options, tvm_run_result& result) {
  Forward forward(model, options);
  std::vector<std::int32_t> tokens(prompt.begin(), prompt.end());
  std::vector<std::int32_t> predictions(Forward::kChunk);
  for (std::size_t first = 0; first < prompt.size(); first += Forward::kChunk) {
    const std::size_t count = std::min(Forward::kChunk, prompt.size() - first);
    const bool end = first + count == prompt.size();
    forward.run(tokens.data(), first, count, end ? count - 1 : count, predictions.data());
    if (end) predictions[0] = predictions[count - 1];
  }
  std::size_t shown = tokens.size();
  const auto hand_over = [&] {
    const std::size_t count = tokens.size() - shown;
    const bool stop = count > 0 && callback != nullptr && callback(user, tokens.data() + shown, count) != 0;
    shown = tokens.size();
    return stop;
  };
  result.cursor = -1;
  try {
    while (true) {
      tokens.push_back(predictions[0]);
      ++result.tokens;
      const bool ended = predictions[0] == model.stop, full = result.tokens == limit;
      if (ended || full) {
        hand_over();
        result.stopped = ended ? TVM_STOPPED_TOKEN : TVM_STOPPED_LIMIT;
        break;
      }
      if (tokens.size() - shown == kHandOver && hand_over()) {
        result.stopped = TVM_STOPPED_CALLBACK;
        break;
      }
      forward.run(tokens.data(), tokens.size() - 1, 1, 0, predictions.data());
    }
  } catch (const Error&) {
    hand_over();
    throw;
  }
  give_seconds(forward, result);
}

void verify_by_layers(const Model& model, std::span<const std::int32_t> tokens, std::size_t first, std::size_t last,
                      std::int32_t* predicted, const tvm_options& options, tvm_verify_result& result) {
  Forward forward(model, options);
  result.ok = 1;
  result.first_mismatch = result.expected = result.predicted = -1;
  std::vector<std::int32_t> predictions(Forward::kChunk);
  // Position p predicts position p + 1: the last that matters is last - 2.
  for (std::size_t start = 0; start + 1 < last; start += Forward::kChunk) {
    const std::size_t count = std::min(Forward::kChunk, last - 1 - start);
    const std::size_t from = first - 1 > start ? std::min(first - 1 - start, count) : 0;
    forward.run(tokens.data(), start, count, from, predictions.data());
    for (std::size_t i = from; i < count; ++i) {
      const std::size_t position = start + i + 1;
      ++result.checked;
      if (predicted != nullptr) predicted[position - first] = predictions[i];
      if (predictions[i] == tokens[position] || result.ok == 0) continue;
      result.ok = 0;
      result.first_mismatch = static_cast<std::int64_t>(position);
      result.expected = tokens[position];
      result.predicted = predictions[i];
      if (predicted == nullptr) break;
    }
    if (result.ok == 0 && predicted == nullptr) break;
  }
  give_seconds(forward, result);
}

}  // namespace tvm
