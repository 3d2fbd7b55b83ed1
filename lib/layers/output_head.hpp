// The greedy choice: the token whose row of the output head scores highest, the lowest id of equals.
//
// Enters: the residual stream of one position or a tile.  Leaves: per lane the best score and its token.
// Scores that are not numbers win nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "layers/projection/projection.hpp"

namespace tvm {

class OutputHead {
 public:
  struct Choice {
    double score;
    double token;
  };

  virtual ~OutputHead() = default;
  // `scratch` has room for scratch_rows() rows of the lanes.
  virtual Choice one(const double* x, double* scratch) const = 0;
  virtual void tile(const double* x, double* scratch, double* score, double* token) const = 0;
  virtual std::size_t scratch_rows() const = 0;
};

std::unique_ptr<OutputHead> make_output_head(Variant variant, const Model& model, SumOrder& order);

}  // namespace tvm
