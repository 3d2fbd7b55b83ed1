#include "layers/runs.hpp"

#include <chrono>
#include <vector>

#include "base/error.hpp"

namespace tvm {
namespace {

constexpr std::size_t kHandOver = 1024;  // tokens per hand-over: a few milliseconds of work

}  // namespace

LayerReport generate_by_layers(const Model& model, bool integers, std::span<const std::int32_t> prompt,
                               const LayerOptions& options, HandOver& out) {
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
  double seconds = 0.0;  // without those of the sink
  const auto hand_over = [&](bool ended = false) {
    seconds += std::chrono::duration<double>(Clock::now() - since).count();
    const bool over = out.give(std::span(tokens).subspan(shown), ended);
    shown = tokens.size();
    since = Clock::now();
    return over;
  };
  try {
    while (true) {
      tokens.push_back(prediction);
      const bool ended = prediction == model.stop;
      if ((ended || tokens.size() - shown == out.room(kHandOver)) && hand_over(ended)) break;
      prediction = forward.next(tokens);
    }
  } catch (const Error&) {
    hand_over();
    throw;
  }
  forward.add_next_seconds(seconds);
  return {forward.seconds(), forward.exact()};
}

LayerReport verify_by_layers(const Model& model, bool integers, std::span<const std::int32_t> tokens,
                             std::size_t first, std::size_t last, std::int32_t* predicted,
                             const LayerOptions& options, Verdict& verdict) {
  Forward forward(model, options, integers);
  // Position p predicts position p + 1: the last that matters is last - 2.
  forward.read(tokens.first(last - 1), first - 1,
               [&](std::size_t start, std::span<const std::int32_t> found) {
                 for (std::size_t i = 0; i < found.size(); ++i) {
                   const std::size_t position = start + i + 1;
                   ++verdict.checked;
                   if (predicted != nullptr) predicted[position - first] = found[i];
                   if (found[i] == tokens[position]) continue;
                   verdict.differs(position, tokens[position], found[i]);
                   if (predicted == nullptr) return false;
                 }
                 return true;
               });
  return {forward.seconds(), forward.exact()};
}

}  // namespace tvm
