// The layers of a model, prepared for one run: which rows are projected, by which variant, and which
// attention units read them.
//
// Enters: a model and the options of the layer path.  Leaves: per layer the projections and fresh
// attention units. Heads that `bypass` leaves alone are projected in full, each for itself, and
// searched by scan or hull; bypassed heads project only what their kind reads, and heads with the
// same keys share one table.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "layers/attention/attention.hpp"
#include "layers/neurons.hpp"
#include "layers/output_head.hpp"
#include "layers/projection/exact_products.hpp"
#include "layers/projection/projection.hpp"
#include "model/model.hpp"

namespace tvm {

// Whether float64 rounds an integer in a layer of a model that has a plan: of what each matrix reads.
struct IntegerSums {
  ExactProducts qkv, out, in, ffn;
};

struct PreparedLayer {
  std::size_t projected = 0;  // rows of `qkv`
  std::unique_ptr<Projection> qkv, out;
  std::vector<std::unique_ptr<AttentionUnit>> units;
  std::vector<std::size_t> idle_heads;  // no unit writes their outputs
  std::unique_ptr<Neurons> neurons;     // null: F = 0
  std::unique_ptr<Projection> ffn;
  // Rows of `hidden` that are integers (forward.cpp: feed_forward).
  std::vector<std::size_t> running_sums;
  std::vector<std::int32_t> attention_erase, ffn_erase;
  std::optional<IntegerSums> sums;  // watched
};

struct PreparedNetwork {
  std::unique_ptr<SumOrder> order = std::make_unique<SumOrder>();  // what follows refers to it
  Variant variant = Variant::kSparse;
  std::vector<PreparedLayer> layers;
  std::unique_ptr<OutputHead> output;
  std::optional<ExactProducts> scores;  // watched
};

// `integers`: the model has a plan, which rounds nothing; the sums are watched.
PreparedNetwork prepare(const Model& model, const LayerOptions& options, bool integers);

}  // namespace tvm
