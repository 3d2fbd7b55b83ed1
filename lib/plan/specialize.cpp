#include "plan/specialize.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "plan/tape.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kFewValues = 64;
// A node that decides fewer gates than this is not worth tapes of its own.
constexpr std::size_t kWorthGates = 4;

std::size_t distinct(const std::vector<std::int64_t>& table) {
  return std::set<std::int64_t>(table.begin(), table.end()).size();
}

// Whether computing the node looks a key up, other than in a store with a single key.
bool looks_up(const Network& network, NodeId node) {
  const auto reads = closure(network, {node});
  for (NodeId id = 0; id < network.nodes.size(); ++id)
    if (reads[id] && network.nodes[id].kind == Kind::kLookup &&
        !network.stores[network.nodes[id].table].key.empty())
      return true;
  return false;
}

bool has_products(const Network& network, const Expr& expr) {
  return std::any_of(expr.begin(), expr.end(), [&](const Term& term) {
    const Kind kind = network.nodes[term.node].kind;
    return kind == Kind::kProduct || kind == Kind::kStep || kind == Kind::kEqual;
  });
}

bool has_table(const Network& network, NodeId node) {
  const Kind kind = network.nodes[node].kind;
  return kind == Kind::kTokenAt || kind == Kind::kFound || kind == Kind::kFunction;
}

}  // namespace

bool may_specialize(const Network& network, NodeId node, std::int64_t value) {
  return has_table(network, node) || (value >= 0 && value < kWindow);
}

Split choose_split(const Network& network, const std::vector<bool>& live) {
  Split split;
  std::map<NodeId, std::size_t> gates;
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    if (!live[id]) continue;
    const Node& node = network.nodes[id];
    if (node.kind == Kind::kToken && distinct(network.tables[node.table]) <= kFewValues)
      split.class_nodes.push_back(id);
    if (node.kind == Kind::kProduct || node.kind == Kind::kStep || node.kind == Kind::kEqual)
      for (const Term& term : node.gate) ++gates[term.node];
  }
  std::map<std::vector<std::int64_t>, std::uint32_t> classes;
  const std::size_t size = network.bias.size();
  for (std::size_t token = 0; token < size; ++token) {
    std::vector<std::int64_t> row;
    for (const NodeId id : split.class_nodes) row.push_back(network.tables[network.nodes[id].table][token]);
    const auto [entry, fresh] = classes.try_emplace(row, static_cast<std::uint32_t>(classes.size()));
    if (fresh) split.classes.push_back(row);
    split.token_class.push_back(entry->second);
  }
  for (const auto& [id, count] : gates) {
    const Node& node = network.nodes[id];
    if (count < kWorthGates || !live[id]) continue;
    const Range range = network.ranges[id];
    const bool table = node.kind == Kind::kTokenAt && distinct(network.tables[node.table]) <= kFewValues;
    const bool found = node.kind == Kind::kFound && range.high - range.low < static_cast<Wide>(kFewValues);
    const bool function =
        node.kind == Kind::kFunction && distinct(network.functions[node.table].values) <= kFewValues;
    const bool small = node.kind == Kind::kLinear && !has_products(network, node.value);
    if ((table || found || function || small) && !looks_up(network, id)) split.nodes.push_back(id);
  }
  return split;
}

}  // namespace tvm::plan
