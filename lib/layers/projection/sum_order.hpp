// Whether a run has depended on the order of a sum.
//
// Dense and sparse projections add in the order of columns, scans and averages in the order of
// positions. BLAS and hulls have orders of their own: the same numbers wherever every partial sum is
// exact, which they prove as they go. Where they cannot, the run says so (tvm.h: exact), as its tokens
// may not be those of the other variants. In a model that has a plan every variant is watched for integers
// that float64 rounds, as the plan rounds none.
#pragma once

#include <atomic>

namespace tvm {

class SumOrder {
 public:
  bool mattered() const { return mattered_.load(std::memory_order_relaxed); }
  void matters() { mattered_.store(true, std::memory_order_relaxed); }

 private:
  std::atomic<bool> mattered_{false};
};

}  // namespace tvm
