// y = W x for one position or a tile of kLanes positions, in three variants.
//
// Enters: the rows of a matrix, then x as (columns, lanes).  Leaves: y as (rows, lanes). Dense and
// sparse add a row's terms in the order of columns; BLAS in an order of its own, and tells a SumOrder
// where that may matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "layers/options.hpp"
#include "layers/projection/sum_order.hpp"
#include "model/model.hpp"

namespace tvm {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

Rows rows_of(Matrix matrix, std::size_t columns);

class Projection {
 public:
  explicit Projection(std::size_t rows) : rows_(rows) {}
  virtual ~Projection() = default;
  virtual void one(const double* x, double* y) const = 0;   // one position
  virtual void tile(const double* x, double* y) const = 0;  // kLanes positions

  // y += W x, where scratch has the size of y.
  virtual void add_one(const double* x, double* y, double* scratch) const;
  virtual void add_tile(const double* x, double* y, double* scratch) const;

 private:
  std::size_t rows_;
};

std::unique_ptr<Projection> make_dense(const Rows& rows, std::size_t columns);

// Where column i of the rows lies in x: places[i], kNoPlace for one that is zero throughout; no
// places: i itself.
using Places = std::vector<std::int32_t>;
inline constexpr std::int32_t kNoPlace = -1;
std::unique_ptr<Projection> make_sparse(const Rows& rows, const Places& places = {});

// nullptr when this build has no BLAS. `order` outlives the projection.
std::unique_ptr<Projection> make_blas(const Rows& rows, std::size_t columns, SumOrder& order);
bool has_blas();

// The variant for a model, Variant::kAuto decided; Status::kUnsupported when it is not built in.
Variant choose_projection(const Model& model, Variant wanted);
std::unique_ptr<Projection> make_projection(Variant variant, const Rows& rows, std::size_t columns,
                                            SumOrder& order);

// Of BLAS, where that can be said: chunks share the threads out.
void keep_blas_to_one_thread();

}  // namespace tvm
