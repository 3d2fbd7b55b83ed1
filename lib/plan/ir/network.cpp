#include "plan/ir/network.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

// So many values of a function are looked at for an interval; of a longer part those of all values hold.
constexpr Wide kMostLookedAt = Wide{1} << 12;

}  // namespace

bool Function::at(std::int64_t c, std::int64_t& result) const {
  result = 0;
  if (c < low) return true;
  const std::uint64_t index = static_cast<std::uint64_t>(c) - static_cast<std::uint64_t>(low);
  if (index < values.size()) {
    result = values[index];
    return true;
  }
  const Wide more = (Wide{c} - low - static_cast<Wide>(values.size() - 1)) * slope + values.back();
  result = static_cast<std::int64_t>(more);
  return more == result;
}

Interval Function::interval(const Interval& of) const {
  const Wide last = static_cast<Wide>(values.size()) - 1;
  const Wide begin = of.low - low, end = of.high - low;
  const auto beyond = [&](Wide index) {
    const Wide value = plus({values.back(), 0}, {times(slope, index - last), 0}).low;
    return Interval{value, value};
  };
  if (end < 0) return {};
  if (begin > last) return hull(beyond(begin), beyond(end));
  Interval reached = range;
  const Wide from = std::max<Wide>(begin, 0), to = std::min(end, last);
  if (to - from < kMostLookedAt) {
    const auto [least, most] = std::minmax_element(values.begin() + static_cast<std::ptrdiff_t>(from),
                                                   values.begin() + static_cast<std::ptrdiff_t>(to) + 1);
    reached = {*least, *most};
  }
  if (begin < 0) reached = hull(reached, {});
  return end > last ? hull(reached, beyond(end)) : reached;
}

std::uint32_t Network::add_function(Function function) {
  const auto [least, most] = std::minmax_element(function.values.begin(), function.values.end());
  function.range = {*least, *most};
  table_entries += function.values.size();
  functions.push_back(std::move(function));
  return static_cast<std::uint32_t>(functions.size() - 1);
}

NodeId Network::add(Node node) {
  const NodeId id = nodes.add(std::move(node));
  if (id == intervals.size()) {
    intervals.push_back(interval_of(nodes[id], intervals));
    origins.push_back(origin);
  }
  return id;
}

bool Network::counts_all(const Node& sum) const {
  const Expr& count = mean(sum).count;
  return !count.empty() && sum.gate == count;
}

std::optional<Since> Network::since(const Expr& expr) const {
  const auto now =
      std::find_if(expr.begin(), expr.end(), [](const Term& term) { return term.node >= kPositionNode; });
  if (now == expr.end() || now->node != kPositionNode) return std::nullopt;
  for (const Term& then : expr) {
    const Node& node = nodes[then.node];
    if (now->weight != -then.weight || node.kind != Kind::kFound) continue;
    if (column(node) != Expr{{kPositionNode, 1}}) continue;
    Since since{expr, now->weight};
    std::erase_if(since.rest, [&](const Term& term) { return term == *now || term == then; });
    return since;
  }
  return std::nullopt;
}

Interval Network::interval_of(const Node& node, const std::vector<Interval>& here) const {
  const std::optional<Since> since = node.kind == Kind::kLinear ? this->since(node.value) : std::nullopt;
  return interval_of(node,
                     since ? since->plus(interval_in(since->rest, here)) : interval_in(node.value, here),
                     interval_in(node.gate, here));
}

Interval Network::interval_of(const Node& node, const Interval& value, const Interval& gate) const {
  switch (node.kind) {
    case Kind::kOne: return {1, 1};
    case Kind::kOpaque: break;
    case Kind::kPosition:
    case Kind::kIndex:
    case Kind::kLookup: return {0, kMaxTokens};
    case Kind::kToken:
    case Kind::kTokenAt: {
      const auto [low, high] = std::minmax_element(table(node).begin(), table(node).end());
      return {*low, *high};
    }
    case Kind::kLinear: return value;
    case Kind::kHistoryAt: return interval(node.value);
    case Kind::kSum: {
      if (!counts_all(node)) return {-kSumBound, kSumBound};
      const Interval part = interval(mean(node).value);
      return {std::clamp<Wide>(times(part.low, kMaxSteps), -kSumBound, 0),
              std::clamp<Wide>(times(part.high, kMaxSteps), 0, kSumBound)};
    }
    case Kind::kFound: return interval(column(node));
    case Kind::kFunction: return function(node).interval(value);
    case Kind::kStep:
    case Kind::kEqual:
      if (gate.high < (node.kind == Kind::kStep ? 1 : 0)) return {};
      return hull({0, 0}, value);
    case Kind::kProduct: return gate.high <= 0 ? Interval{} : hull({0, 0}, scaled(value, gate.high));
  }
  return {-kFar, kFar};
}

}  // namespace tvm::plan
