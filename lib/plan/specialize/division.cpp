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

// Nodes that decide nothing: records keep them, and nobody else reads them.
std::vector<bool> only_recorded(const Network& network, const std::vector<bool>& live) {
  std::vector<bool> recorded(network.nodes.size()), read(network.nodes.size());
  const auto mark = [](std::vector<bool>& which, Terms terms) {
    for (const Term& term : terms) which[term.node] = true;
  };
  for (NodeId id = 0; id < network.nodes.size(); ++id)
    if (live[id]) for_each_operand(network.nodes[id], [&](Terms operand) { mark(read, operand); });
  for (const Mean& mean : network.means) mark(read, mean.value);
  for (const Expr& feature : network.features) mark(read, feature);
  for (const Expr& history : network.histories) mark(read, history);
  for (const Store& store : network.stores) {
    for (const Expr* expr : {&store.key, &store.square, &store.clear}) mark(read, *expr);
    for (const Expr& column : store.columns) mark(recorded, column);
  }
  for (NodeId id = 0; id < recorded.size(); ++id) recorded[id] = recorded[id] && !read[id];
  return recorded;
}

// The class of each token: tokens of one class are the same to all these nodes, and begin or not.
std::vector<std::uint32_t> classify(const Network& network, const std::vector<NodeId>& nodes,
                                    std::vector<std::vector<std::int64_t>>& classes) {
  std::map<std::vector<std::int64_t>, std::uint32_t> numbers;
  std::vector<std::uint32_t> token_class;
  classes.clear();
  for (std::size_t token = 0; token < network.bias.size(); ++token) {
    std::vector<std::int64_t> row;
    for (const NodeId id : nodes) row.push_back(network.table(network.nodes[id])[token]);
    std::vector<std::int64_t> told_apart = row;
    told_apart.push_back(!network.begins.empty() && network.begins[token]);
    const auto [entry, fresh] =
        numbers.try_emplace(std::move(told_apart), static_cast<std::uint32_t>(numbers.size()));
    if (fresh) classes.push_back(std::move(row));
    token_class.push_back(entry->second);
  }
  return token_class;
}

void choose_classes(const Network& network, const std::vector<bool>& live, Division& division) {
  const std::vector<bool> recorded = only_recorded(network, live);
  std::vector<NodeId> others;
  for (NodeId id = 0; id < network.nodes.size(); ++id)
    if (live[id] && network.nodes[id].kind == Kind::kToken &&
        distinct(network.table(network.nodes[id])) <= kFewValues)
      (recorded[id] ? others : division.class_nodes).push_back(id);
  division.token_class = classify(network, division.class_nodes, division.classes);
  // What is only recorded splits no class: bytes of a value are of one class whatever their highest bit, so
  // that a value is one way through the blocks. Where it splits none, it is known for nothing.
  for (const NodeId id : others) {
    const TokenTable& table = network.table(network.nodes[id]);
    std::map<std::uint32_t, std::int64_t> of_class;
    bool splits = false;
    for (std::size_t token = 0; token < table.size(); ++token)
      splits |= of_class.try_emplace(division.token_class[token], table[token]).first->second != table[token];
    if (!splits) division.class_nodes.push_back(id);
  }
  std::sort(division.class_nodes.begin(), division.class_nodes.end());
  division.token_class = classify(network, division.class_nodes, division.classes);
  if (division.classes.size() > kFewClasses) {
    division.class_nodes.clear();
    division.token_class = classify(network, {}, division.classes);
  }
  if (network.begins.empty()) return;
  division.begins.resize(division.classes.size());
  for (std::size_t token = 0; token < network.bias.size(); ++token)
    division.begins[division.token_class[token]] = network.begins[token];
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
  division.intervals = CaseIntervals(network, selector->nodes, selector->values);
}

void Subject::find_uses() {
  std::vector<NodeId> selected;
  for (const Selector& selector : division.selectors)
    selected.insert(selected.end(), selector.nodes.begin(), selector.nodes.end());
  uses = plan::find_uses(network, live_nodes(network), selected);
  bases = find_token_bases(network);
  layouts.clear();
  for (std::size_t s = 0; s < network.stores.size(); ++s)
    layouts.push_back(layout_of(network, network.stores[s], uses.columns[s]));
  sums.clear();
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    const Node& node = network.nodes[id];
    if (node.kind == Kind::kSum && uses.live[id] && network.counts_all(node))
      sums.push_back({id, network.interval(network.mean(node).value), network.intervals[id]});
  }
}

}  // namespace tvm::plan
