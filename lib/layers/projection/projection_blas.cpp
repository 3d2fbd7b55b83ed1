// Projection by BLAS: gemv for one position, gemm for a tile.
#include "layers/kernels/kernels.hpp"
#include "layers/projection/exact_products.hpp"

#if defined(TVM_BLAS)
#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>
#else
#include <cblas.h>
#endif
// Some builds of OpenBLAS prefix their symbols (scipy-openblas).
#define TVM_PASTE(a, b) a##b
#define TVM_JOIN(a, b) TVM_PASTE(a, b)
#if !defined(BLAS_SYMBOL_PREFIX)
#define BLAS_SYMBOL_PREFIX
#endif
#define TVM_CBLAS(name) TVM_JOIN(BLAS_SYMBOL_PREFIX, name)
#endif

namespace tvm {

#if defined(TVM_BLAS)
namespace {

class Blas final : public Projection {
 public:
  Blas(const Rows& rows, std::size_t columns, SumOrder& order)
      : Projection(rows.size()),
        rows_(static_cast<int>(rows.size())),
        columns_(static_cast<int>(columns)),
        order_(order),
        exact_(rows, columns) {
    for (const auto& row : rows) weights_.insert(weights_.end(), row.begin(), row.end());
  }

  void one(const double* x, double* y) const override {
    if (rows_ == 0 || columns_ == 0) return;
    watch(x, 1);
    TVM_CBLAS(cblas_dgemv)(CblasRowMajor, CblasNoTrans, rows_, columns_, 1.0, weights_.data(), columns_, x, 1,
                           0.0, y, 1);
  }

  void tile(const double* x, double* y) const override {
    if (rows_ == 0 || columns_ == 0) return;
    watch(x, kLanes);
    constexpr int kColumns = static_cast<int>(kLanes);
    TVM_CBLAS(cblas_dgemm)(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows_, kColumns, columns_, 1.0,
                           weights_.data(), columns_, x, kColumns, 0.0, y, kColumns);
  }

 private:
  void watch(const double* x, std::size_t lanes) const {
    if (!order_.mattered() && !exact_.hold(x, lanes)) order_.matters();
  }

  int rows_, columns_;
  SumOrder& order_;
  ExactProducts exact_;
  std::vector<double> weights_;  // (rows, columns)
};

}  // namespace

std::unique_ptr<Projection> make_blas(const Rows& rows, std::size_t columns, SumOrder& order) {
  return std::make_unique<Blas>(rows, columns, order);
}
bool has_blas() { return true; }
#else
std::unique_ptr<Projection> make_blas(const Rows&, std::size_t, SumOrder&) { return nullptr; }
bool has_blas() { return false; }
#endif

void keep_blas_to_one_thread() {
#if defined(TVM_OPENBLAS)
  TVM_CBLAS(openblas_set_num_threads)(1);
#endif
}

}  // namespace tvm
