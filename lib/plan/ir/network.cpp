#include "plan/ir/network.hpp"

#include <algorithm>

namespace tvm::plan {

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

NodeId Network::add(Node node) {
  const NodeId id = nodes.add(std::move(node));
  if (id == intervals.size()) {
    intervals.push_back(interval_of(nodes[id], intervals));
    origins.push_back(origin);
  }
  return id;
}

bool Network::counts_all(const Node& sum) const {
  return mean(sum).uniform && sum.gate == Expr{{kOneNode, 1}, {kPositionNode, 1}};
}

// The position less a position found in a store is never negative, as records are of the past.
Interval Network::interval_since(const Expr& expr, const std::vector<Interval>& here) const {
  for (const Term& now : expr)
    for (const Term& then : expr) {
      const Node& node = nodes[then.node];
      if (now.node != kPositionNode || now.weight != -then.weight || node.kind != Kind::kFound) continue;
      if (column(node) != Expr{{kPositionNode, 1}}) continue;
      Expr rest = expr;
      std::erase_if(rest, [&](const Term& term) { return term == now || term == then; });
      return plus(interval_in(rest, here), scaled({0, kMaxTokens}, now.weight));
    }
  return interval_in(expr, here);
}

Interval Network::interval_of(const Node& node, const std::vector<Interval>& here) const {
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
    case Kind::kLinear: return interval_since(node.value, here);
    case Kind::kHistoryAt: return interval(node.value);
    case Kind::kSum: {
      if (!counts_all(node)) return {-kSumBound, kSumBound};
      const Interval value = interval(mean(node).value);
      return {std::clamp<Wide>(times(value.low, kMaxTokens), -kSumBound, 0),
              std::clamp<Wide>(times(value.high, kMaxTokens), 0, kSumBound)};
    }
    case Kind::kFound: return interval(column(node));
    case Kind::kFunction: {
      const Function& f = function(node);
      const auto [low, high] = std::minmax_element(f.values.begin(), f.values.end());
      const Wide end = f.values.back() + times(f.slope, std::max<Wide>(0, here[node.at].high - f.low));
      return hull({0, 0}, hull({*low, *high}, {end, end}));
    }
    case Kind::kStep:
    case Kind::kEqual:
      if (interval_in(node.gate, here).high < (node.kind == Kind::kStep ? 1 : 0)) return {};
      return hull({0, 0}, interval_in(node.value, here));
    case Kind::kProduct: {
      const Interval gate = interval_in(node.gate, here);
      return gate.high <= 0 ? Interval{} : hull({0, 0}, scaled(interval_in(node.value, here), gate.high));
    }
  }
  return {-kFar, kFar};
}

}  // namespace tvm::plan
