// Dense projection in plain loops.
#include <algorithm>

#include "layers/kernels/kernels.hpp"
#include "layers/projection/projection.hpp"

namespace tvm {
namespace {

class Dense final : public Projection {
 public:
  Dense(const Rows& rows, std::size_t columns)
      : Projection(rows.size()), rows_(rows.size()), columns_(columns) {
    weights_.reserve(rows_ * columns_);
    for (const auto& row : rows) weights_.insert(weights_.end(), row.begin(), row.end());
  }

  void one(const double* x, double* y) const override {
    // Four rows side by side: one sum alone would wait for each addition.
    std::size_t row = 0;
    for (; row + 4 <= rows_; row += 4) {
      const double* w = weights_.data() + row * columns_;
      double a = 0.0, b = 0.0, c = 0.0, d = 0.0;
      for (std::size_t i = 0; i < columns_; ++i) {
        a += w[i] * x[i];
        b += w[i + columns_] * x[i];
        c += w[i + 2 * columns_] * x[i];
        d += w[i + 3 * columns_] * x[i];
      }
      y[row] = a, y[row + 1] = b, y[row + 2] = c, y[row + 3] = d;
    }
    for (; row < rows_; ++row) {
      const double* w = weights_.data() + row * columns_;
      double sum = 0.0;
      for (std::size_t i = 0; i < columns_; ++i) sum += w[i] * x[i];
      y[row] = sum;
    }
  }

  void tile(const double* x, double* y) const override {
    for (std::size_t row = 0; row < rows_; ++row) {
      double sums[kLanes] = {};
      for (std::size_t i = 0; i < columns_; ++i) {
        const double weight = weights_[row * columns_ + i];
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += weight * x[i * kLanes + lane];
      }
      std::copy_n(sums, kLanes, y + row * kLanes);
    }
  }

 private:
  std::size_t rows_, columns_;
  std::vector<double> weights_;
};

}  // namespace

std::unique_ptr<Projection> make_dense(const Rows& rows, std::size_t columns) {
  return std::make_unique<Dense>(rows, columns);
}

}  // namespace tvm
