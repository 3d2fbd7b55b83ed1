#include "plan/ir/intervals.hpp"

namespace tvm::plan {
namespace {

Wide clamp(Wide value) { return std::clamp(value, -kFar, kFar); }

// Two such factors have a product far below kFar, which one instruction computes.
bool is_small(Wide value) {
  constexpr Wide kSmall = Wide{1} << 48;
  return value > -kSmall && value < kSmall;
}

}  // namespace

Wide times(Wide a, Wide b) {
  const auto narrow_a = static_cast<std::int64_t>(a), narrow_b = static_cast<std::int64_t>(b);
  if (narrow_a == a && narrow_b == b) return clamp(Wide{narrow_a} * narrow_b);  // one instruction
  Wide product;
  if (__builtin_mul_overflow(a, b, &product)) return (a < 0) == (b < 0) ? kFar : -kFar;
  return clamp(product);
}

Interval scaled(Interval r, Wide weight) {
  return weight < 0 ? Interval{times(r.high, weight), times(r.low, weight)}
                    : Interval{times(r.low, weight), times(r.high, weight)};
}

Interval plus(const Interval& a, const Interval& b) {
  return {a.low <= -kFar || b.low <= -kFar ? -kFar : clamp(a.low + b.low),
          a.high >= kFar || b.high >= kFar ? kFar : clamp(a.high + b.high)};
}

void SumInterval::add(const Interval& part, std::int64_t weight) {
  if (part.low == 0 && part.high == 0) return;  // most gates are closed
  if (is_small(part.low) && is_small(part.high) && is_small(weight)) {
    const Wide a = Wide{static_cast<std::int64_t>(part.low)} * weight;
    const Wide b = Wide{static_cast<std::int64_t>(part.high)} * weight;
    sum_.low += weight < 0 ? b : a, sum_.high += weight < 0 ? a : b;
    return;
  }
  const Interval all = scaled(part, weight);
  endless_low_ |= all.low <= -kFar, endless_high_ |= all.high >= kFar;
  sum_.low += all.low, sum_.high += all.high;
}

Interval SumInterval::get() const {
  return {endless_low_ ? -kFar : clamp(sum_.low), endless_high_ ? kFar : clamp(sum_.high)};
}

Interval interval_in(Terms terms, const std::vector<Interval>& intervals) {
  SumInterval sum;
  for (const Term& term : terms) sum.add(intervals[term.node], term.weight);
  return sum.get();
}

bool may_leave(Terms terms, const std::vector<Interval>& intervals) {
  const Wide limit = Wide{1} << 62;
  Wide reach = 0;
  for (const Term& term : terms) {
    const Interval r = intervals[term.node];
    const Wide size = std::max(r.high, -r.low);
    if (size > limit) return true;
    reach += size * (term.weight < 0 ? -Wide{term.weight} : Wide{term.weight});
    if (reach > limit) return true;
  }
  return false;
}

}  // namespace tvm::plan
