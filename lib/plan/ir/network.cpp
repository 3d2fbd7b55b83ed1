#include "plan/ir/network.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

constexpr Wide kFar = Wide{1} << 100;  // intervals saturate here

Wide clamp(Wide value) { return std::clamp(value, -kFar, kFar); }

Wide times(Wide a, Wide b) {
  const auto narrow_a = static_cast<std::int64_t>(a), narrow_b = static_cast<std::int64_t>(b);
  if (narrow_a == a && narrow_b == b) return clamp(Wide{narrow_a} * narrow_b);  // one instruction
  Wide product;
  if (__builtin_mul_overflow(a, b, &product)) return (a < 0) == (b < 0) ? kFar : -kFar;
  return clamp(product);
}

}  // namespace

Range scaled(Range r, Wide weight) {
  return weight < 0 ? Range{times(r.high, weight), times(r.low, weight)}
                    : Range{times(r.low, weight), times(r.high, weight)};
}

Range plus(const Range& a, const Range& b) {
  return {a.low <= -kFar || b.low <= -kFar ? -kFar : clamp(a.low + b.low),
          a.high >= kFar || b.high >= kFar ? kFar : clamp(a.high + b.high)};
}

bool counts_all(const Network& network, const Node& sum) {
  return network.means[sum.table].uniform && sum.gate == Expr{{kOneNode, 1}, {kPositionNode, 1}};
}

void add_scaled(Expr& to, const Expr& from, std::int64_t weight) {
  if (weight == 0) return;
  Expr sum;
  sum.reserve(to.size() + from.size());
  auto a = to.begin();
  for (const Term& term : from) {
    while (a != to.end() && a->node < term.node) sum.push_back(*a++);
    Term next{term.node, 0};
    if (a != to.end() && a->node == term.node) next.weight = (a++)->weight;
    std::int64_t product;
    if (__builtin_mul_overflow(term.weight, weight, &product) ||
        __builtin_add_overflow(next.weight, product, &next.weight))
      throw Declined{"a weight of the folded network does not fit 64 bits"};
    if (next.weight != 0) sum.push_back(next);
  }
  sum.insert(sum.end(), a, to.end());
  to = std::move(sum);
}

Expr constant(std::int64_t value) { return value == 0 ? Expr{} : Expr{{kOneNode, value}}; }

bool is_constant(const Expr& expr, std::int64_t& value) {
  value = expr.empty() ? 0 : expr[0].weight;
  return expr.empty() || (expr.size() == 1 && expr[0].node == kOneNode);
}

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

std::uint32_t Network::table(std::vector<std::int64_t> values) {
  const auto [entry, fresh] = known_tables_.try_emplace(values, static_cast<std::uint32_t>(tables.size()));
  if (fresh) tables.push_back(std::move(values));
  return entry->second;
}

NodeId Network::add(Node node) {
  const auto [entry, fresh] = known_.try_emplace(node, static_cast<NodeId>(nodes.size()));
  if (fresh) {
    ranges.push_back(range_of(node, ranges));
    origins.push_back(origin);
    nodes.push_back(std::move(node));
  }
  return entry->second;
}

Range Network::range(const Expr& expr) const { return range_in(expr, ranges); }

bool may_leave(const Expr& expr, const std::vector<Range>& ranges) {
  const Wide limit = Wide{1} << 62;
  Wide reach = 0;
  for (const Term& term : expr) {
    const Range r = ranges[term.node];
    const Wide size = std::max(r.high, -r.low);
    if (size > limit) return true;
    reach += size * (term.weight < 0 ? -Wide{term.weight} : Wide{term.weight});
    if (reach > limit) return true;
  }
  return false;
}

Range range_in(const Expr& expr, const std::vector<Range>& ranges) {
  Range sum;
  for (const Term& term : expr) sum = plus(sum, scaled(ranges[term.node], term.weight));
  return sum;
}

// The position less a position found in a store is never negative, as records are of the past.
Range Network::range_since(const Expr& expr, const std::vector<Range>& here) const {
  for (const Term& now : expr)
    for (const Term& then : expr) {
      const Node& node = nodes[then.node];
      if (now.node != kPositionNode || now.weight != -then.weight || node.kind != Kind::kFound) continue;
      if (stores[nodes[node.at].table].columns[node.table] != Expr{{kPositionNode, 1}}) continue;
      Expr rest = expr;
      std::erase_if(rest, [&](const Term& term) { return term == now || term == then; });
      return plus(range_in(rest, here), scaled({0, kMaxTokens}, now.weight));
    }
  return range_in(expr, here);
}

Range Network::range_of(const Node& node, const std::vector<Range>& here) const {
  switch (node.kind) {
    case Kind::kOne: return {1, 1};
    case Kind::kPosition:
    case Kind::kIndex:
    case Kind::kLookup: return {0, kMaxTokens};
    case Kind::kToken:
    case Kind::kTokenAt: {
      const auto [low, high] = std::minmax_element(tables[node.table].begin(), tables[node.table].end());
      return {*low, *high};
    }
    case Kind::kLinear: return range_since(node.value, here);
    case Kind::kHistoryAt: return range(node.value);
    case Kind::kSum: {
      if (!counts_all(*this, node)) return {-kSumBound, kSumBound};
      const Range value = range(means[node.table].value);
      return {std::clamp<Wide>(times(value.low, kMaxTokens), -kSumBound, 0),
              std::clamp<Wide>(times(value.high, kMaxTokens), 0, kSumBound)};
    }
    case Kind::kFound: return range(stores[nodes[node.at].table].columns[node.table]);
    case Kind::kFunction: {
      const Function& f = functions[node.table];
      const auto [low, high] = std::minmax_element(f.values.begin(), f.values.end());
      const Wide end = f.values.back() + times(f.slope, std::max<Wide>(0, here[node.at].high - f.low));
      return {std::min({Wide{0}, Wide{*low}, end}), std::max({Wide{0}, Wide{*high}, end})};
    }
    case Kind::kStep:
    case Kind::kEqual: {
      const Range gate = range_in(node.gate, here);
      if (gate.high < (node.kind == Kind::kStep ? 1 : 0)) return {};
      const Range value = range_in(node.value, here);
      return {std::min<Wide>(0, value.low), std::max<Wide>(0, value.high)};
    }
    case Kind::kProduct: {
      const Range gate = range_in(node.gate, here);
      if (gate.high <= 0) return {};
      const Range value = range_in(node.value, here);
      return {std::min<Wide>(0, times(value.low, gate.high)),
              std::max<Wide>(0, times(value.high, gate.high))};
    }
  }
  return {-kFar, kFar};
}

// A function of its position and of the tokens around it alone: it can be computed for any past
// position from the token history, so no history of its own is kept.
bool Network::token_local(const Expr& expr) const {
  return std::all_of(expr.begin(), expr.end(), [&](const Term& term) {
    const Node& node = nodes[term.node];
    switch (node.kind) {
      case Kind::kOne:
      case Kind::kPosition:
      case Kind::kToken: return true;
      case Kind::kLinear: return token_local(node.value);
      case Kind::kIndex:
        return token_local(node.value) && (node.at == kOneNode || token_local({{node.at, 1}}));
      case Kind::kTokenAt: return token_local({{node.at, 1}});
      default: return false;
    }
  });
}

Expr Network::past(const Expr& expr, NodeId at) {
  if (at == kPositionNode) return expr;
  Expr result;
  for (const Term& term : expr) {
    const Node node = nodes[term.node];
    Expr part;
    if (!token_local({term})) {
      const Expr value{{term.node, 1}};
      const auto found = std::find(histories.begin(), histories.end(), value);
      const auto index = static_cast<std::uint32_t>(found - histories.begin());
      if (found == histories.end()) histories.push_back(value);
      part = {{add({.kind = Kind::kHistoryAt, .at = at, .table = index, .gate = {}, .value = value}), 1}};
    } else if (node.kind == Kind::kOne) {
      part = {{kOneNode, 1}};
    } else if (node.kind == Kind::kPosition) {
      part = {{at, 1}};
    } else if (node.kind == Kind::kToken) {
      part = {{add({.kind = Kind::kTokenAt, .at = at, .table = node.table, .gate = {}, .value = {}}), 1}};
    } else if (node.kind == Kind::kLinear) {
      part = past(node.value, at);
    } else {
      // An index that was bounded by its own position is bounded by `at` there.
      const auto index_at = [&](NodeId index) {
        const Node inner = nodes[index];
        const NodeId upper = inner.at == kOneNode ? at : past({{inner.at, 1}}, at)[0].node;
        return add(
            {.kind = Kind::kIndex, .at = upper, .table = 0, .gate = {}, .value = past(inner.value, at)});
      };
      if (node.kind == Kind::kIndex)
        part = {{index_at(term.node), 1}};
      else
        part = {{add({.kind = Kind::kTokenAt,
                      .at = index_at(node.at),
                      .table = node.table,
                      .gate = {},
                      .value = {}}),
                 1}};
    }
    add_scaled(result, part, term.weight);
  }
  return result;
}

}  // namespace tvm::plan
