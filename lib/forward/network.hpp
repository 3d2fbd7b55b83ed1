// The layers of a model, prepared for one run: which rows are projected, by which variant, and which
// attention units read them.
//
// Enters: a model and the options of the layer path.  Leaves: per layer the projections and fresh
// attention units. Heads that `bypass` leaves alone are projected in full, each for itself, and
// searched by scan or hull; bypassed heads project only what their kind reads, and heads with the
// same keys share one table.
#pragma once

#include <memory>
#include <vector>

#include "forward/attention.hpp"
#include "forward/projection.hpp"
#include "model/model.hpp"
#include "tvm.h"

namespace tvm {

struct PreparedLayer {
  std::size_t projected = 0;  // rows of `qkv`
  std::unique_ptr<Projection> qkv, out, in, ffn;
  std::vector<std::unique_ptr<AttentionUnit>> units;
  std::size_t neurons = 0;
  // Neurons whose product is an integer (forward.cpp: feed_forward).
  std::vector<std::size_t> running_sums;
  std::vector<std::int32_t> attention_erase, ffn_erase;
};

// The output head in pieces of at most kPiece rows, so that the scores of a piece stay in cache.
inline constexpr std::size_t kPiece = 128;
struct OutputPiece {
  std::unique_ptr<Projection> scores;
  std::vector<double> ids;  // token of each row, ascending
};

struct Network {
  std::vector<PreparedLayer> layers;
  std::vector<OutputPiece> output;
};

Network prepare(const Model& model, const tvm_options& options);

}  // namespace tvm
