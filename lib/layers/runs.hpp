// Generation and verification on the layer path.
#pragma once

#include <cstdint>
#include <span>

#include "base/token_sink.hpp"
#include "base/verdict.hpp"
#include "layers/forward.hpp"
#include "layers/options.hpp"
#include "model/model.hpp"

namespace tvm {

// Where the time went, and whether no sum depended on its order (sum_order.hpp).
struct LayerReport {
  PhaseSeconds seconds;
  bool exact = true;
};

// `integers`: the model has a plan; where float64 rounds what the plan does not, the run is not exact.
LayerReport generate_by_layers(const Model& model, bool integers, std::span<const std::int32_t> prompt,
                               const LayerOptions& options, HandOver& out);

LayerReport verify_by_layers(const Model& model, bool integers, std::span<const std::int32_t> tokens,
                             std::size_t first, std::size_t last, std::int32_t* predicted,
                             const LayerOptions& options, Verdict& verdict);

}  // namespace tvm
