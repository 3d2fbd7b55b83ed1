// What the variants of a projection share, and the choice among them.
#include "layers/projection/projection.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "layers/kernels/kernels.hpp"
#include "model/head_rows.hpp"

namespace tvm {
namespace {

// Below this share of weights that are not zero, skipping zeros beats BLAS, and BLAS beats plain loops.
// tools/sweep_sparsity.py measures where: from 70 to 75 % zeros on while the weights fit the cache (D = 128),
// from 80 % on for one position where they do not (D = 512), as a sparse weight is half as long again.
constexpr double kSparseDensity = 0.25;

}  // namespace

Rows rows_of(Matrix matrix, std::size_t columns) {
  Rows rows;
  if (columns == 0) return rows;
  for (std::size_t row = 0; row < matrix.size() / columns; ++row)
    rows.push_back(row_of(matrix, row, columns));
  return rows;
}

void Projection::add_one(const double* x, double* y, double* scratch) const {
  one(x, scratch);
  for (std::size_t i = 0; i < rows_; ++i) y[i] += scratch[i];
}

void Projection::add_tile(const double* x, double* y, double* scratch) const {
  tile(x, scratch);
  for (std::size_t i = 0; i < rows_ * kLanes; ++i) y[i] += scratch[i];
}

Variant choose_projection(const Model& model, Variant wanted) {
  if (wanted == Variant::kBlas && !has_blas())
    throw Error(Status::kUnsupported, "projection blas: this libtvm was built without BLAS");
  if (wanted != Variant::kAuto) return wanted;
  double weights = 0.0, used = 0.0;
  const auto count = [&](Matrix matrix) {
    weights += static_cast<double>(matrix.size());
    used += static_cast<double>(matrix.size()) -
            static_cast<double>(std::count(matrix.begin(), matrix.end(), 0.0));
  };
  for (const Layer& layer : model.layers)
    for (const Matrix matrix : {layer.qkv, layer.out, layer.in, layer.ffn}) count(matrix);
  count(model.head);
  if (used < kSparseDensity * weights) return Variant::kSparse;
  return has_blas() ? Variant::kBlas : Variant::kDense;
}

std::unique_ptr<Projection> make_projection(Variant variant, const Rows& rows, std::size_t columns,
                                            SumOrder& order) {
  switch (variant) {
    case Variant::kSparse: return make_sparse(rows);
    case Variant::kBlas: return make_blas(rows, columns, order);
    default: return make_dense(rows, columns);
  }
}

}  // namespace tvm
