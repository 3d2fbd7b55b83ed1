// y = W x for one position or a tile of kLanes positions, in three variants.
//
// Enters: the rows of a matrix, then x as (columns, lanes).  Leaves: y as (rows, lanes). Dense and
// sparse add a row's terms in the order of columns; BLAS in an order of its own, which is the same
// number wherever the terms are integers below 2^53.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tvm {

using Rows = std::vector<std::vector<double>>;

class Projection {
 public:
  virtual ~Projection() = default;
  virtual void one(const double* x, double* y) const = 0;   // one position
  virtual void tile(const double* x, double* y) const = 0;  // kLanes positions
};

std::unique_ptr<Projection> make_dense(const Rows& rows, std::size_t columns);
std::unique_ptr<Projection> make_sparse(const Rows& rows);
// nullptr when this build has no BLAS.
std::unique_ptr<Projection> make_blas(const Rows& rows, std::size_t columns);

// Lets BLAS use this many threads within one call, where that can be said.
void set_blas_threads(int threads);

}  // namespace tvm
