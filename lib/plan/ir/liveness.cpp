#include "plan/ir/liveness.hpp"

#include <algorithm>

#include "plan/ir/squared_key.hpp"

namespace tvm::plan {
namespace {

class Marker {
 public:
  Marker(const Network& network, bool whole_records)
      : net_(network), whole_records_(whole_records), live(network.nodes.size(), false) {
    live[kOneNode] = live[kPositionNode] = true;
  }

  void mark(Terms terms) {
    for (const Term& term : terms) mark(term.node);
  }

  void mark(NodeId id) {
    if (live[id]) return;
    live[id] = true;
    const Node& node = net_.nodes[id];
    for_each_operand(node, [&](Terms operand) { mark(operand); });
    // What every position adds to the history that the node reads.
    switch (node.kind) {
      case Kind::kHistoryAt: return mark(node.value);
      case Kind::kSum: return mark(net_.mean(node).value);
      case Kind::kLookup: return mark(net_.store(node));
      case Kind::kFound: return mark(net_.column(node));
      default: return;
    }
  }

 private:
  void mark(const Store& store) {
    mark(store.key);
    mark(store.clear);
    if (whole_records_)
      for (const Expr& column : store.columns) mark(column);
    const SquaredKey square = squared_key(net_, store);
    mark(square.rest);
    for (const auto& product : square.products) {
      mark(product.gate);
      mark(product.value);
    }
  }

  const Network& net_;
  const bool whole_records_;

 public:
  std::vector<bool> live;
};

}  // namespace

std::vector<bool> live_nodes(const Network& network) {
  Marker marker(network, false);
  for (const Expr& feature : network.features) marker.mark(feature);
  return std::move(marker.live);
}

std::vector<bool> closure(const Network& network, const std::vector<NodeId>& wanted) {
  Marker marker(network, true);
  for (const NodeId id : wanted) marker.mark(id);
  return std::move(marker.live);
}

Uses find_uses(const Network& network, const std::vector<bool>& live, const std::vector<NodeId>& selected) {
  Uses uses{live, {}, {}, closure(network, selected), std::vector<bool>(network.nodes.size(), false)};
  for (const Store& store : network.stores) uses.columns.emplace_back(store.columns.size(), false);
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    const Node& node = network.nodes[id];
    if (live[id] && (node.kind == Kind::kSum || node.kind == Kind::kHistoryAt || node.kind == Kind::kLookup))
      uses.keepers.push_back(id);
    if (live[id] && node.kind == Kind::kFound) uses.columns[network.store_of(node)][node.index] = true;
    if (node.kind == Kind::kOne || node.kind == Kind::kPosition || node.kind == Kind::kToken ||
        node.kind == Kind::kSum)
      continue;
    // A column of the one record that all positions find is as quickly read from it again. Kept, it would
    // tell apart all blocks after a position that read it, for as long as the record stays.
    bool stable = node.kind != Kind::kFound || !constant_of(network.nodes[node.at].value);
    for_each_operand(node, [&](Terms operand) {
      // The bound of an index does not matter: runs notice where it is what counts.
      if (node.kind == Kind::kIndex && operand.data() != node.value.data()) return;
      for (const Term& term : operand)
        stable &=
            term.node == kOneNode || network.nodes[term.node].kind == Kind::kSum || uses.stable[term.node];
    });
    uses.stable[id] = stable;
  }
  return uses;
}

}  // namespace tvm::plan
