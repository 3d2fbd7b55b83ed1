#include "plan/specialize/partial_evaluator.hpp"

#include <algorithm>

#include "plan/ir/declined.hpp"

namespace tvm::plan {

PartialEvaluator::PartialEvaluator(const Subject& subject, const AbstractState& before,
                                   std::uint32_t token_class, std::span<const std::uint32_t> cases,
                                   std::int32_t first_token)
    : net_(subject.network),
      division_(subject.division),
      before_(before),
      first_token_(first_token),
      position_(before.first ? Interval{0, 0} : Interval{1, kMaxTokens}),
      intervals_(division_.narrowing < cases.size() && cases[division_.narrowing] != kNoCase
                     ? division_.intervals.in(net_, cases[division_.narrowing])
                     : net_.intervals),
      known_(net_.nodes.size()),
      previous_(net_.nodes.size()),
      residuals_(net_.nodes.size()),
      residual_intervals_(net_.nodes.size()),
      deltas_(net_.nodes.size()),
      has_delta_(net_.nodes.size()) {
  for (std::size_t i = 0; i < division_.class_nodes.size(); ++i)
    known_[division_.class_nodes[i]] = division_.classes[token_class][i];
  for (std::size_t s = 0; s < division_.selectors.size(); ++s) {
    const Selector& selector = division_.selectors[s];
    for (std::size_t i = 0; i < selector.nodes.size(); ++i) {
      if (cases[s] != kNoCase) known_[selector.nodes[i]] = selector.values[cases[s]][i];
      if (before.cases[s] != kNoCase) previous_[selector.nodes[i]] = selector.values[before.cases[s]][i];
    }
  }
}

const Expr& PartialEvaluator::residual(NodeId id) {
  if (!residuals_[id]) {
    residuals_[id] = residual_of(id);
    residual_intervals_[id] = interval(*residuals_[id]);
  }
  return *residuals_[id];
}

Expr PartialEvaluator::substitute(const Expr& expr) {
  Expr result;
  result.reserve(expr.size() + 1);
  std::int64_t sum = 0;
  bool sorted = true;
  for (const Term& term : expr) {
    if (is_zero(term.node)) continue;
    for (const Term& part : residual(term.node)) {
      std::int64_t weight = 0;
      bool left = __builtin_mul_overflow(part.weight, term.weight, &weight);
      if (part.node == kOneNode)
        left |= __builtin_add_overflow(sum, weight, &sum);
      else {
        sorted &= result.empty() || result.back().node < part.node;
        result.push_back({part.node, weight});
      }
      if (left) throw Declined{"a weight of the folded network does not fit 64 bits"};
    }
  }
  if (!sorted) {
    std::sort(result.begin(), result.end(), [](const Term& a, const Term& b) { return a.node < b.node; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < result.size();) {
      Term merged = result[i++];
      for (; i < result.size() && result[i].node == merged.node; ++i)
        if (__builtin_add_overflow(merged.weight, result[i].weight, &merged.weight))
          throw Declined{"a weight of the folded network does not fit 64 bits"};
      if (merged.weight != 0) result[kept++] = merged;
    }
    result.resize(kept);
  }
  if (sum != 0) result.insert(result.begin(), {kOneNode, sum});
  return result;
}

Interval PartialEvaluator::interval(Terms terms) const {
  Interval sum;
  for (const Term& term : terms)
    sum = plus(sum, scaled(term.node == kPositionNode ? position_ : intervals_[term.node], term.weight));
  return sum;
}

// The interval without building the expression: wider where terms would cancel.
Interval PartialEvaluator::quick_interval(const Expr& expr) {
  Interval sum;
  for (const Term& term : expr) {
    if (is_zero(term.node)) continue;
    residual(term.node);
    sum = plus(sum, scaled(residual_intervals_[term.node], term.weight));
  }
  return sum;
}

Expr PartialEvaluator::residual_of(NodeId id) {
  const Node& node = net_.nodes[id];
  const auto self = [&] { return Expr{{id, 1}}; };
  if (known_[id]) return constant(*known_[id]);
  // The interval is one value. Once the opcode is known, that is so of most gates' products: they are 0.
  if (const Interval& all = intervals_[id];
      all.low == all.high && id != kPositionNode && all.low == static_cast<std::int64_t>(all.low))
    return constant(static_cast<std::int64_t>(all.low));
  if (previous_[id])
    if (const auto change = delta(id)) {
      // Still one of the values that are told apart?
      for (const Selector& selector : division_.selectors)
        for (std::size_t i = 0; i < selector.nodes.size(); ++i)
          if (selector.nodes[i] == id)
            for (const auto& row : selector.values)
              if (row[i] == *previous_[id] + *change) return constant(row[i]);
    }
  switch (node.kind) {
    case Kind::kPosition: return before_.first ? Expr{} : self();
    case Kind::kLinear: {
      Expr sum = substitute(node.value);
      // A register and a constant cost their reader nothing.
      if (sum.size() > 2 || (sum.size() == 2 && sum[0].node != kOneNode)) return self();
      return sum;
    }
    // Positions before the first are the first, whose token is known.
    case Kind::kIndex: return quick_interval(node.value).high <= 0 ? Expr{} : self();
    case Kind::kTokenAt:
      if (residual(node.at).empty())
        return constant(net_.table(node)[static_cast<std::size_t>(first_token_)]);
      return self();
    case Kind::kFunction: {
      const auto at = constant_of(substitute(node.value));
      std::int64_t value = 0;
      return at && net_.function(node).at(*at, value) ? constant(value) : self();
    }
    case Kind::kFound: return forwarded(id) ? substitute(net_.column(node)) : self();
    case Kind::kProduct:
    case Kind::kStep:
    case Kind::kEqual: return residual_of_gated(node, id);
    default: return self();
  }
}

Expr PartialEvaluator::residual_of_gated(const Node& node, NodeId id) {
  // Closed: never positive, or for kEqual never 0.
  const auto closed = [&](const Interval& gate) {
    return gate.high < (node.kind == Kind::kEqual ? 0 : 1) || (node.kind == Kind::kEqual && gate.low > 0);
  };
  if (closed(quick_interval(node.gate))) return {};
  const Expr gate = substitute(node.gate);
  const Interval opening = interval(gate);
  if (closed(opening)) return {};
  Expr value = substitute(node.value), result;
  if (value.empty()) return {};
  switch (node.kind) {
    case Kind::kStep: return opening.low >= 1 ? value : Expr{{id, 1}};
    case Kind::kEqual: return opening.low == 0 && opening.high == 0 ? value : Expr{{id, 1}};
    default:
      const auto open = constant_of(gate);
      if (!open) return {{id, 1}};
      add_scaled(result, value, *open);
      return result;
  }
}

std::optional<std::int64_t> PartialEvaluator::delta(NodeId id) {
  if (!has_delta_[id]) {
    has_delta_[id] = true;
    deltas_[id] = before_.first ? std::nullopt : delta_of(id);
  }
  return deltas_[id];
}

std::optional<std::int64_t> PartialEvaluator::delta(Terms terms) {
  std::int64_t sum = 0;
  for (const Term& term : terms) {
    const auto part = delta(term.node);
    std::int64_t change = 0;
    if (!part || __builtin_mul_overflow(*part, term.weight, &change) ||
        __builtin_add_overflow(sum, change, &sum))
      return std::nullopt;
  }
  return sum;
}

std::optional<std::int64_t> PartialEvaluator::delta_of(NodeId id) {
  const Node& node = net_.nodes[id];
  if (known_[id] && previous_[id]) return *known_[id] - *previous_[id];
  switch (node.kind) {
    case Kind::kPosition: return 1;
    case Kind::kToken: return std::nullopt;
    case Kind::kLinear: return delta(node.value);
    case Kind::kSum: {
      const auto added = constant_of(substitute(net_.mean(node).value));
      return net_.counts_all(node) ? added : std::nullopt;
    }
    case Kind::kLookup:
      if (enters(node.index) != Entry::kNever) return std::nullopt;
      break;
    default: break;
  }
  // The same operands give the same value. An index that was cut at its bound, the current position, has
  // moved all the same: runs notice that (interpreter.cpp).
  bool steady = true;
  for_each_operand(node, [&](Terms operand) { steady = steady && delta(operand) == 0; });
  return steady ? std::optional<std::int64_t>(0) : std::nullopt;
}

bool PartialEvaluator::forwarded(NodeId found) {
  const Node& lookup = net_.nodes[net_.nodes[found].at];
  if (enters(lookup.index) != Entry::kAlways) return false;
  return substitute(lookup.value) == substitute(net_.store(lookup).key);
}

bool PartialEvaluator::is_match(NodeId equal) {
  const Node& node = net_.nodes[equal];
  if (node.kind != Kind::kEqual || node.value.size() != 1) return false;
  const Node& found = net_.nodes[node.value[0].node];
  if (found.kind != Kind::kFound || node.value[0].weight != 1 || forwarded(node.value[0].node)) return false;
  // gate = query - key found
  Expr rest = substitute(node.gate);
  add_scaled(rest, substitute(net_.nodes[found.at].value), -1);
  if (rest.size() != 1 || rest[0].weight != -1) return false;
  const Node& key = net_.nodes[rest[0].node];
  return key.kind == Kind::kFound && key.at == found.at && net_.column(key) == net_.store(found).key;
}

PartialEvaluator::Entry PartialEvaluator::enters(std::uint32_t store) {
  const Interval clear = interval(substitute(net_.stores[store].clear));
  return clear.low > 0 ? Entry::kNever : clear.high <= 0 ? Entry::kAlways : Entry::kPerhaps;
}

bool PartialEvaluator::is_known(std::size_t selector) {
  const auto& nodes = division_.selectors[selector].nodes;
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](NodeId id) { return constant_of(residual(id)).has_value(); });
}

std::uint32_t PartialEvaluator::known_case(std::size_t selector) {
  if (!is_known(selector)) return kNoCase;
  const Selector& choice = division_.selectors[selector];
  std::vector<std::int64_t> values;
  for (const NodeId id : choice.nodes) values.push_back(*constant_of(residual(id)));
  const auto found = std::find(choice.values.begin(), choice.values.end(), values);
  return found == choice.values.end() ? kNoCase : static_cast<std::uint32_t>(found - choice.values.begin());
}

}  // namespace tvm::plan
