// What the rows of one head compute, taken apart so that the parts can be handled exactly.
//
// Enters: the weights of a head and which residual slots still hold their inputs.  Leaves:
//     query = (q0.x, q1.x)                                     divided by its positive scale
//     key   = (k0.x, k1.x + recency * r(position) - BIG * clear.x)
// A positive factor of the query changes no argmax. Constructed models scale it by 2^34, older ones by
// 1e10 * sqrt(2); where the rows are integer multiples of one number, they are divided by it, and every
// query of integer slots is an exact integer. Recency and BIG would be rounded away in a float64 sum, so
// they are kept apart: BIG decides first, recency last.
#pragma once

#include <cstddef>
#include <vector>

#include "model/model.hpp"

namespace tvm {

// Row `row` of a matrix that is stored row by row.
std::vector<double> row_of(Matrix matrix, std::size_t row, std::size_t columns);

// Which slots still hold what the input put there, at the entrance of a layer.
struct InputSlots {
  std::vector<bool> unwritten;  // (D): neither written nor erased by any earlier layer
  bool position = false;        // slots 0, 1, 2 are unwritten and no embedding adds to them:
  bool recency = false;         // they hold exactly p, r(p) and p * p
  bool squared = false;
};

std::vector<InputSlots> input_slots(const Model& model);  // one per layer

struct HeadRows {
  std::vector<double> q0, q1, k0, k1;
  std::vector<double> clear;  // empty when no coefficient is BIG
  double recency = 0.0;

  // q1.x is a function of the token alone and never negative.
  bool query1_nonnegative = false;
};

HeadRows head_rows(const Model& model, std::size_t layer, std::size_t head, const InputSlots& inputs);

// The range of row.x over all tokens if the row reads nothing but unwritten embedding slots.
struct Range {
  bool known = false;
  double low = 0.0, high = 0.0;
};
Range embedded_range(const Model& model, const InputSlots& inputs, const std::vector<double>& row);

}  // namespace tvm
