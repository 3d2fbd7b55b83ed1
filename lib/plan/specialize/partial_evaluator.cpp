#include "plan/specialize/partial_evaluator.hpp"

#include <algorithm>

namespace tvm::plan {

Knowledge::Knowledge(const Network& network, const Split& split, const Facts& before,
                     std::uint32_t token_class, std::span<const std::uint32_t> cases,
                     std::int32_t first_token)
    : net_(network),
      split_(split),
      before_(before),
      first_token_(first_token),
      position_(before.first ? Range{0, 0} : Range{1, kMaxTokens}),
      ranges_(split.narrowing < cases.size() && cases[split.narrowing] != kNoCase
                  ? split.ranges[cases[split.narrowing]]
                  : network.ranges),
      known_(network.nodes.size()),
      previous_(network.nodes.size()),
      symbols_(network.nodes.size()),
      symbol_ranges_(network.nodes.size()),
      deltas_(network.nodes.size()),
      has_symbol_(network.nodes.size()),
      has_delta_(network.nodes.size()) {
  for (std::size_t i = 0; i < split.class_nodes.size(); ++i)
    known_[split.class_nodes[i]] = split.classes[token_class][i];
  for (std::size_t s = 0; s < split.selectors.size(); ++s) {
    const Selector& selector = split.selectors[s];
    for (std::size_t i = 0; i < selector.nodes.size(); ++i) {
      if (cases[s] != kNoCase) known_[selector.nodes[i]] = selector.values[cases[s]][i];
      if (before.cases[s] != kNoCase) previous_[selector.nodes[i]] = selector.values[before.cases[s]][i];
    }
  }
}

const Expr& Knowledge::symbol(NodeId id) {
  if (!has_symbol_[id]) {
    symbols_[id] = symbol_of(id);
    symbol_ranges_[id] = range(symbols_[id]);
    has_symbol_[id] = 1;
  }
  return symbols_[id];
}

Expr Knowledge::substitute(const Expr& expr) {
  Expr result;
  result.reserve(expr.size() + 1);
  std::int64_t sum = 0;
  bool sorted = true;
  for (const Term& term : expr)
    for (const Term& part : symbol(term.node)) {
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

Range Knowledge::range(const Expr& expr) const {
  Range sum;
  for (const Term& term : expr)
    sum = plus(sum, scaled(term.node == kPositionNode ? position_ : ranges_[term.node], term.weight));
  return sum;
}

// The interval without building the expression: wider where terms would cancel.
Range Knowledge::quick_range(const Expr& expr) {
  Range sum;
  for (const Term& term : expr) {
    symbol(term.node);
    sum = plus(sum, scaled(symbol_ranges_[term.node], term.weight));
  }
  return sum;
}

Expr Knowledge::symbol_of(NodeId id) {
  const Node& node = net_.nodes[id];
  const auto self = [&] { return Expr{{id, 1}}; };
  if (known_[id]) return constant(*known_[id]);
  // As most gates are for a known opcode: closed.
  if (const Range& all = ranges_[id];
      all.low == all.high && id != kPositionNode && all.low == static_cast<std::int64_t>(all.low))
    return constant(static_cast<std::int64_t>(all.low));
  if (previous_[id])
    if (const auto change = delta(id)) {
      // Still one of the values that are told apart?
      for (const Selector& selector : split_.selectors)
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
    case Kind::kIndex: return quick_range(node.value).high <= 0 ? Expr{} : self();
    case Kind::kTokenAt:
      if (symbol(node.at).empty())
        return constant(net_.tables[node.table][static_cast<std::size_t>(first_token_)]);
      return self();
    case Kind::kFunction: {
      std::int64_t at = 0, value = 0;
      return is_constant(symbol(node.at), at) && net_.functions[node.table].at(at, value) ? constant(value)
                                                                                          : self();
    }
    case Kind::kFound:
      return forwarded(id) ? substitute(net_.stores[net_.nodes[node.at].table].columns[node.table]) : self();
    case Kind::kProduct:
    case Kind::kStep:
    case Kind::kEqual: return gated(node, id);
    default: return self();
  }
}

Expr Knowledge::gated(const Node& node, NodeId id) {
  // Closed: never positive, or for kEqual never 0.
  const auto closed = [&](const Range& gate) {
    return gate.high < (node.kind == Kind::kEqual ? 0 : 1) || (node.kind == Kind::kEqual && gate.low > 0);
  };
  if (closed(quick_range(node.gate))) return {};
  const Expr gate = substitute(node.gate);
  const Range opening = range(gate);
  if (closed(opening)) return {};
  Expr value = substitute(node.value), result;
  if (value.empty()) return {};
  std::int64_t open = 0;
  switch (node.kind) {
    case Kind::kStep: return opening.low >= 1 ? value : Expr{{id, 1}};
    case Kind::kEqual: return opening.low == 0 && opening.high == 0 ? value : Expr{{id, 1}};
    default:
      if (!is_constant(gate, open)) return {{id, 1}};
      add_scaled(result, value, open);
      return result;
  }
}

std::optional<std::int64_t> Knowledge::delta(NodeId id) {
  if (!has_delta_[id]) {
    has_delta_[id] = 1;
    deltas_[id] = before_.first ? std::nullopt : delta_of(id);
  }
  return deltas_[id];
}

std::optional<std::int64_t> Knowledge::delta(const Expr& expr) {
  std::int64_t sum = 0;
  for (const Term& term : expr) {
    const auto part = delta(term.node);
    std::int64_t change = 0;
    if (!part || __builtin_mul_overflow(*part, term.weight, &change) ||
        __builtin_add_overflow(sum, change, &sum))
      return std::nullopt;
  }
  return sum;
}

std::optional<std::int64_t> Knowledge::delta_of(NodeId id) {
  const Node& node = net_.nodes[id];
  if (known_[id] && previous_[id]) return *known_[id] - *previous_[id];
  const auto steady = [](std::optional<std::int64_t> change) { return change == 0 ? change : std::nullopt; };
  switch (node.kind) {
    case Kind::kOne: return 0;
    case Kind::kPosition: return 1;
    case Kind::kToken: return std::nullopt;
    case Kind::kLinear: return delta(node.value);
    // An index that was cut at its upper bound, a position, has moved: runs notice (sequence.cpp).
    case Kind::kIndex:
      return node.at == kOneNode || delta(node.at) == 0 ? steady(delta(node.value)) : std::nullopt;
    case Kind::kTokenAt:
    case Kind::kHistoryAt:
    case Kind::kFunction: return steady(delta(node.at));
    case Kind::kSum: {
      const Mean& mean = net_.means[node.table];
      std::int64_t change = 0;
      if (!counts_all(net_, node) || !is_constant(substitute(mean.value), change)) return std::nullopt;
      return change;
    }
    case Kind::kLookup: return enters(node.table) == Entry::kNever ? steady(delta(node.value)) : std::nullopt;
    case Kind::kFound: return steady(delta(node.at));
    case Kind::kProduct:
    case Kind::kStep:
    case Kind::kEqual: return steady(delta(node.gate)) ? steady(delta(node.value)) : std::nullopt;
  }
  return std::nullopt;
}

bool Knowledge::forwarded(NodeId found) {
  const Node& lookup = net_.nodes[net_.nodes[found].at];
  if (enters(lookup.table) != Entry::kAlways) return false;
  return substitute(lookup.value) == substitute(net_.stores[lookup.table].key);
}

bool Knowledge::is_match(NodeId equal) {
  const Node& node = net_.nodes[equal];
  if (node.kind != Kind::kEqual || node.value.size() != 1) return false;
  const Node& found = net_.nodes[node.value[0].node];
  if (found.kind != Kind::kFound || node.value[0].weight != 1 || forwarded(node.value[0].node)) return false;
  const Node& lookup = net_.nodes[found.at];
  const Store& store = net_.stores[lookup.table];
  // gate = query - key found
  Expr rest = substitute(node.gate);
  add_scaled(rest, substitute(lookup.value), -1);
  if (rest.size() != 1 || rest[0].weight != -1) return false;
  const Node& key = net_.nodes[rest[0].node];
  return key.kind == Kind::kFound && key.at == found.at && store.columns[key.table] == store.key;
}

Knowledge::Entry Knowledge::enters(std::uint32_t store) {
  const Expr clear = substitute(net_.stores[store].clear);
  const Range range = this->range(clear);
  return range.low > 0 ? Entry::kNever : range.high <= 0 ? Entry::kAlways : Entry::kPerhaps;
}

bool Knowledge::is_known(std::size_t selector) {
  const auto& nodes = split_.selectors[selector].nodes;
  std::int64_t value = 0;
  return std::all_of(nodes.begin(), nodes.end(), [&](NodeId id) { return is_constant(symbol(id), value); });
}

std::uint32_t Knowledge::known_case(std::size_t selector) {
  const Selector& choice = split_.selectors[selector];
  std::vector<std::int64_t> values;
  for (const NodeId id : choice.nodes) {
    std::int64_t value = 0;
    if (!is_constant(symbol(id), value)) return kNoCase;
    values.push_back(value);
  }
  const auto found = std::find(choice.values.begin(), choice.values.end(), values);
  return found == choice.values.end() ? kNoCase : static_cast<std::uint32_t>(found - choice.values.begin());
}

}  // namespace tvm::plan
