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

Interval interval_in(Terms terms, const std::vector<Interval>& intervals) {
  // As plus() would, but clamped at the end: 2^26 parts of 2^100 fit.
  Interval sum;
  bool endless_low = false, endless_high = false;
  for (const Term& term : terms) {
    const Interval& of = intervals[term.node];
    if (of.low == 0 && of.high == 0) continue;  // most gates are closed
    if (is_small(of.low) && is_small(of.high) && is_small(term.weight)) {
      const Wide a = Wide{static_cast<std::int64_t>(of.low)} * term.weight;
      const Wide b = Wide{static_cast<std::int64_t>(of.high)} * term.weight;
      sum.low += term.weight < 0 ? b : a, sum.high += term.weight < 0 ? a : b;
      continue;
    }
    const Interval part = scaled(of, term.weight);
    endless_low |= part.low <= -kFar, endless_high |= part.high >= kFar;
    sum.low += part.low, sum.high += part.high;
  }
  return {endless_low ? -kFar : clamp(sum.low), endless_high ? kFar : clamp(sum.high)};
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
