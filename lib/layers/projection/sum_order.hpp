// Whether a run has depended on the order of a sum.
//
// Dense and sparse projections add in the order of columns, scans and averages in the order of
// positions. BLAS and hulls have orders of their own: the same numbers wherever every partial sum is
// exact, which they prove as they go. Where they cannot, the run says so (tvm.h: exact), as its tokens
// may not be those of the other variants. In a model that has a plan every variant is watched for integers
// that float64 rounds, as the plan rounds none.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

namespace tvm {

class SumOrder {
 public:
  bool mattered() const { return mattered_.load(std::memory_order_relaxed); }
  void matters() { mattered_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> mattered_{false};
};

// Proves that W x is the same number in any order of summation. Terms are integers (in units of a power of
// two per row), and every partial sum lies between the sum of the negative terms and that of the positive
// ones: below 2^53 nothing is rounded. Rows with one term are always exact.
//
// Of integers more is asked: that all of W x is what integers give, which is what the plan computes. Then
// rows with one term count too; x is taken to be integers (rounded integers are), and rows that are not,
// which a model with a plan has only where nobody reads them, are passed over.
class ExactProducts {
 public:
  enum class Of { kAny, kIntegers };
  ExactProducts(const std::vector<std::vector<double>>& rows, std::size_t columns, Of of = Of::kAny);

  // x as (columns, lanes), lanes <= kLanes
  bool hold(const double* x, std::size_t lanes) const;

 private:
  // Rows that sum several terms, in units of their own.
  struct Rows {
    std::vector<std::size_t> starts{0}, columns;
    std::vector<double> weights;
    bool hold(const double* x, std::size_t lanes) const;
  };
  struct Column {
    std::size_t index;
    double inverse;  // of the limit of |x| that is enough for all light rows; 0: there is none
  };
  Of of_;
  Rows light_, heavy_;           // heavy: with weights so large that each position must be looked at
  std::vector<Column> columns_;  // that these rows read
};

}  // namespace tvm
