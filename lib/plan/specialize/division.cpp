#include "plan/specialize/division.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tvm::plan {
namespace {

constexpr std::size_t kFewValues = 64;
// Of a coordinate of a point: opcodes are fewer.
constexpr std::size_t kFewCoordinates = 192;
// More classes than this cost more than they save: tokens then have one class.
constexpr std::size_t kFewClasses = 256;
// A node that decides fewer gates than this is not worth code of its own.
constexpr std::size_t kWorthGates = 4;
// Values told apart of a node without a table: 0 .. kWindow - 1.
constexpr std::int64_t kWindow = 32;
// Functions whose tables together span more than this select nothing.
constexpr std::int64_t kLongestTable = std::int64_t{1} << 22;

std::size_t distinct(const std::vector<std::int64_t>& table) {
  return std::set<std::int64_t>(table.begin(), table.end()).size();
}

// Whether computing the node looks a key up, other than in a store with a single key.
bool looks_up(const Network& network, NodeId node) {
  const auto reads = closure(network, {node});
  for (NodeId id = 0; id < network.nodes.size(); ++id)
    if (reads[id] && network.nodes[id].kind == Kind::kLookup && !network.store(network.nodes[id]).key.empty())
      return true;
  return false;
}

bool has_products(const Network& network, const Expr& expr) {
  return std::any_of(expr.begin(), expr.end(),
                     [&](const Term& term) { return network.nodes[term.node].is_gated(); });
}

void choose_classes(const Network& network, const std::vector<bool>& live, Division& division) {
  for (NodeId id = 0; id < network.nodes.size(); ++id)
    if (live[id] && network.nodes[id].kind == Kind::kToken &&
        distinct(network.table(network.nodes[id])) <= kFewValues)
      division.class_nodes.push_back(id);
  std::map<std::vector<std::int64_t>, std::uint32_t> classes;
  const std::size_t size = network.bias.size();
  const auto begins = [&](std::size_t token) { return !network.begins.empty() && network.begins[token]; };
  for (std::size_t token = 0; token < size; ++token) {
    std::vector<std::int64_t> row;
    for (const NodeId id : division.class_nodes) row.push_back(network.table(network.nodes[id])[token]);
    std::vector<std::int64_t> told_apart = row;
    told_apart.push_back(begins(token));
    const auto [entry, fresh] =
        classes.try_emplace(std::move(told_apart), static_cast<std::uint32_t>(classes.size()));
    if (fresh) division.classes.push_back(row);
    division.token_class.push_back(entry->second);
  }
  if (classes.size() > kFewClasses) {
    division.class_nodes.clear();
    division.classes.assign(network.begins.empty() ? 1 : 2, {});
    for (std::size_t token = 0; token < size; ++token) division.token_class[token] = begins(token);
  }
  if (network.begins.empty()) return;
  division.begins.resize(division.classes.size());
  for (std::size_t token = 0; token < size; ++token)
    division.begins[division.token_class[token]] = begins(token);
}

// The node that a table is over; of a function that is of one node alone.
NodeId tabulated_node(const Node& node) { return node.kind == Kind::kTokenAt ? node.at : node.value[0].node; }

// The selector of nodes that are tables over one index: token tables, or functions.
bool tabulate(const Network& network, Selector& selector) {
  const Node& first = network.nodes[selector.nodes[0]];
  const bool tokens = first.kind == Kind::kTokenAt;
  selector.at = tabulated_node(first);
  selector.by = tokens ? Selector::By::kTokenAt : Selector::By::kFunction;
  std::int64_t end = static_cast<std::int64_t>(network.bias.size());
  if (!tokens) {
    selector.low = INT64_MAX;
    end = INT64_MIN;
    for (const NodeId id : selector.nodes) {
      const Function& f = network.function(network.nodes[id]);
      if (f.slope != 0) return false;
      selector.low = std::min(selector.low, f.low - 1);  // 0 below the first value
      end = std::max(end, f.low + static_cast<std::int64_t>(f.values.size()));
    }
  }
  if (Wide{end} - selector.low > kLongestTable) return false;
  std::map<std::vector<std::int64_t>, std::uint32_t> cases;
  for (std::int64_t c = selector.low; c < end; ++c) {
    std::vector<std::int64_t> row;
    for (const NodeId id : selector.nodes) {
      const Node& node = network.nodes[id];
      std::int64_t value = 0;
      if (tokens)
        value = network.table(node)[static_cast<std::size_t>(c)];
      else
        network.function(node).at(c, value);
      row.push_back(value);
    }
    const auto [entry, fresh] = cases.try_emplace(row, static_cast<std::uint32_t>(cases.size()));
    if (fresh) selector.values.push_back(row);
    selector.case_of.push_back(entry->second);
  }
  return selector.values.size() <= 4 * kFewValues;
}

// Whether its interval is that of what earlier positions kept.
bool reads_past(const Node& node) {
  return node.kind == Kind::kHistoryAt || node.kind == Kind::kFound || node.kind == Kind::kSum;
}

void narrow(Interval& interval, const Interval& by) {
  interval = {std::max(interval.low, by.low), std::min(interval.high, by.high)};
}

}  // namespace

Division choose_division(const Network& network, const std::vector<bool>& live) {
  Division division;
  choose_classes(network, live, division);
  std::map<NodeId, std::size_t> gates;
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    const Node& node = network.nodes[id];
    if (live[id] && node.is_gated())
      for (const Term& term : node.gate) ++gates[term.node];
  }
  std::map<std::pair<Kind, NodeId>, Selector> tables;
  for (const auto& [id, count] : gates) {
    const Node& node = network.nodes[id];
    if (count < kWorthGates || !live[id] || looks_up(network, id)) continue;
    const Interval range = network.intervals[id];
    if ((node.kind == Kind::kTokenAt && distinct(network.table(node)) <= kFewCoordinates) ||
        (node.kind == Kind::kFunction && node.value == Expr{{tabulated_node(node), 1}} &&
         distinct(network.function(node).values) <= kFewCoordinates)) {
      tables[{node.kind, tabulated_node(node)}].nodes.push_back(id);
      continue;
    }
    const bool found = node.kind == Kind::kFound && range.high - range.low < Wide{kFewValues};
    // A count of positions, as of the bytes of a value; not a number made of bytes.
    const bool small = node.kind == Kind::kLinear && !has_products(network, node.value) &&
                       !node.value.empty() && node.value[0].node == kPositionNode;
    if (!found && !small) continue;
    Selector selector;
    selector.nodes = {id};
    selector.low = found ? static_cast<std::int64_t>(range.low) : 0;
    const std::int64_t end = found ? static_cast<std::int64_t>(range.high) + 1 : kWindow;
    for (std::int64_t value = selector.low; value < end; ++value) selector.values.push_back({value});
    division.selectors.push_back(std::move(selector));
  }
  for (auto& [key, selector] : tables)
    if (tabulate(network, selector)) division.selectors.push_back(std::move(selector));
  return division;
}

void narrow_intervals(Network& network, Division& division) {
  // The selector that is a table with most cases; the others are single values, whose intervals are exact.
  const Selector* selector = nullptr;
  for (const Selector& candidate : division.selectors)
    if (candidate.by != Selector::By::kValue &&
        (selector == nullptr || candidate.cases() > selector->cases()))
      selector = &candidate;
  if (selector == nullptr) return;
  division.narrowing = static_cast<std::size_t>(selector - division.selectors.data());
  const std::size_t nodes = network.nodes.size(), cases = selector->values.size();
  // Only nodes so far are set; the network's own intervals are the unions.
  std::vector<std::vector<Interval>>& intervals = division.intervals;
  intervals.assign(cases, network.intervals);
  const std::vector<bool> live = live_nodes(network);
  std::vector<bool> varies(nodes);  // from case to case
  for (const NodeId id : selector->nodes) varies[id] = true;
  std::vector<NodeId> varying;
  // Case by case, as long as no node needs the unions of those before it: what is read then lies together.
  for (NodeId begin = 0, end = 0; begin < nodes; begin = end) {
    varying.clear();
    for (end = begin; end < nodes && (end == begin || !reads_past(network.nodes[end])); ++end) {
      const Node& node = network.nodes[end];
      for_each_operand(node, [&](Terms operand) {
        for (const Term& term : operand) varies[end] = varies[end] || varies[term.node];
      });
      if (!live[end]) continue;
      if (varies[end]) {
        varying.push_back(end);
      } else {
        narrow(network.intervals[end], network.interval_of(node, network.intervals));
        for (auto& here : intervals) here[end] = network.intervals[end];
      }
    }
    std::vector<Interval> all(varying.size(), {kFar, -kFar});
    for (std::size_t c = 0; c < cases; ++c)
      for (std::size_t i = 0; i < varying.size(); ++i) {
        const NodeId id = varying[i];
        const Node& node = network.nodes[id];
        Interval& here = intervals[c][id];
        const auto chosen = std::find(selector->nodes.begin(), selector->nodes.end(), id);
        if (chosen != selector->nodes.end()) {
          const std::int64_t value =
              selector->values[c][static_cast<std::size_t>(chosen - selector->nodes.begin())];
          here = {value, value};
        } else if (node.kind != Kind::kTokenAt) {  // that may be any token's, whatever the case
          here = network.interval_of(node, intervals[c]);
        }
        all[i] = hull(all[i], here);
      }
    for (std::size_t i = 0; i < varying.size(); ++i) narrow(network.intervals[varying[i]], all[i]);
  }
}

void Subject::find_uses() {
  std::vector<NodeId> selected;
  for (const Selector& selector : division.selectors)
    selected.insert(selected.end(), selector.nodes.begin(), selector.nodes.end());
  uses = plan::find_uses(network, live_nodes(network), selected);
  bases = find_token_bases(network);
}

}  // namespace tvm::plan
