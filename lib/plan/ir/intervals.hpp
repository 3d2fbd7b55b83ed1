// Interval arithmetic: what is proved of a value in every trace of at most kMaxTokens tokens.
#pragma once

#include <algorithm>
#include <vector>

#include "plan/ir/expression.hpp"

namespace tvm::plan {

using Wide = __int128;

// Saturated at 2^100 on both sides: an end there stands for "unbounded".
struct Interval {
  Wide low = 0, high = 0;
};

inline constexpr Wide kFar = Wide{1} << 100;

Wide times(Wide a, Wide b);  // saturating
Interval scaled(Interval interval, Wide weight);
Interval plus(const Interval& a, const Interval& b);
// The least interval that holds both.
inline Interval hull(const Interval& a, const Interval& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

// An interval of a sum, part by part: as plus() has it, but clamped at the end. 2^26 parts of 2^100 fit.
class SumInterval {
 public:
  void add(const Interval& part, std::int64_t weight);
  Interval get() const;

 private:
  Interval sum_;
  bool endless_low_ = false, endless_high_ = false;
};

// The interval of a sum of nodes by those of the nodes.
Interval interval_in(Terms terms, const std::vector<Interval>& intervals);

// Whether some partial sum of the expression may leave 63 bits.
bool may_leave(Terms terms, const std::vector<Interval>& intervals);

}  // namespace tvm::plan
