// Whether the products of a matrix are exact.
//
// Enters: the rows of a matrix, then x.  Leaves: whether W x is the same number in any order of summation.
//
// Terms are integers (in units of a power of two per row), and every partial sum lies between the sum of the
// negative terms and that of the positive ones: below 2^53 nothing is rounded. Rows with one term are always
// exact.
//
// Of integers more is asked: that all of W x is what integers give, which is what the plan computes. Then
// rows with one term count too; x is taken to be integers (rounded integers are), and rows that are not,
// which a model with a plan has only where nobody reads them, are passed over.
#pragma once

#include <cstddef>

#include "layers/projection/projection.hpp"
#include "layers/projection/sparse_rows.hpp"

namespace tvm {

class ExactProducts {
 public:
  enum class Of { kAny, kIntegers };
  ExactProducts(const Rows& rows, std::size_t columns, Of of = Of::kAny);

  // x as (columns, lanes), lanes 1 or kLanes
  bool hold(const double* x, std::size_t lanes) const;

 private:
  bool integers(const double* x, std::size_t lanes) const;
  bool within(const double* x, std::size_t lanes) const;

  Of of_;
  // Rows that sum several terms, in units of their own; heavy ones have weights so large that each position
  // must be looked at.
  SparseMatrix light_, heavy_;
  std::vector<std::size_t> read_;  // columns that these read
  // Per column the inverse of the limit of |x| that is enough for all light rows; 0: they do not read it.
  Row inverses_;
  SparseMatrix limits_;  // the same as one row
};

}  // namespace tvm
