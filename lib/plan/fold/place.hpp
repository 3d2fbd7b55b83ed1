// Where in the model a fold stands, for the sentence that says why there is no plan.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "plan/ir/declined.hpp"

namespace tvm::plan {

// "layer 1, head 0"; the part of a model that is read.
struct Place {
  std::string words;

  static Place head(std::size_t layer, std::size_t head) {
    return {sentence("layer ", layer, ", head ", head)};
  }
  static Place neuron(std::size_t layer, std::size_t neuron) {
    return {sentence("layer ", layer, ", neuron ", neuron)};
  }

  [[noreturn]] void decline(const std::string& why) const { throw Declined{sentence(words, ": ", why)}; }

  // A weight of slot `slot`, which must be an integer.
  std::int64_t whole(double weight, std::size_t slot) const {
    if (std::rint(weight) != weight || std::abs(weight) > 0x1p62)
      decline(sentence("its weight of slot ", slot, " is not an integer"));
    return static_cast<std::int64_t>(weight);
  }
};

}  // namespace tvm::plan
