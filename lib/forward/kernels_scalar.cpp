// The kernels in plain C++: the reference that every other set is compared with.
#include "forward/kernels.hpp"

namespace tvm {
namespace {

void sparse(const SparseRows& m, const double* x, double* y) {
  for (size_t row = 0; row < m.rows; ++row) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      double sum = 0.0;
      for (int32_t i = m.starts[row]; i < m.starts[row + 1]; ++i)
        sum += m.weights[i] * x[static_cast<size_t>(m.columns[i]) * kLanes + lane];
      y[row * kLanes + lane] = sum;
    }
  }
}

void block(const RowBlock& b, const double* x, double* y) {
  for (size_t row = 0; row < b.rows; ++row) {
    double sum = 0.0;
    for (size_t i = 0; i < b.count; ++i) sum += b.weights[i * b.rows + row] * x[b.columns[i]];
    y[row] = sum;
  }
}

void argmax(const double* y, size_t rows, const double* ids, double* best, double* best_id) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (y[row * kLanes + lane] > best[lane]) {
        best[lane] = y[row * kLanes + lane];
        best_id[lane] = ids[row];
      }
    }
  }
}

}  // namespace

extern const Kernels kernels_scalar{"scalar", sparse, block, argmax};

}  // namespace tvm
