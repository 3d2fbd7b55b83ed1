// Sparse matrices in the two layouts that the kernels read (kernels.hpp).
//
// Enters: rows of weights. Leaves: their weights that are not zero, by rows for tiles of positions,
// and for one position in slices of kSlice rows, each with the union of its rows' columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "layers/kernels/kernels.hpp"
#include "layers/projection/projection.hpp"

namespace tvm {

class SparseMatrix {
 public:
  // Rows in `order`; each goes to the target of its index, its columns to their places.
  SparseMatrix(const Rows& rows, const std::vector<std::size_t>& order,
               const std::vector<std::int32_t>& targets, const Places& places = {});
  SparseRows view() const {
    return {starts_.data(), columns_.data(), weights_.data(), targets_.data(), targets_.size()};
  }

 private:
  std::vector<std::int32_t> starts_{0}, columns_, targets_;
  std::vector<double> weights_;
};

class SlicedMatrix {
 public:
  // Slice s holds the rows order[kSlice * s] and so on; the last may be padded with zeros.
  SlicedMatrix(const Rows& rows, const std::vector<std::size_t>& order, const Places& places = {});
  RowSlices view() const { return {starts_.data(), columns_.data(), weights_.data(), starts_.size() - 1}; }

 private:
  std::vector<std::int32_t> starts_{0}, columns_;
  std::vector<double> weights_;
};

// The columns of a row that are not zero and have a place, ascending.
std::vector<std::size_t> pattern_of(const Row& row, const Places& places = {});

}  // namespace tvm
