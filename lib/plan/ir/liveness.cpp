#include "plan/ir/liveness.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

void take_apart(const Network& network, const Expr& expr, std::int64_t weight, Square& square) {
  for (const Term& term : expr) {
    const Node& node = network.nodes[term.node];
    std::int64_t factor = 0;
    if (__builtin_mul_overflow(weight, term.weight, &factor))
      throw Declined{"a weight of the folded network does not fit 64 bits"};
    if (node.kind == Kind::kProduct)
      square.products.push_back({factor, node.gate, node.value});
    else if (node.kind == Kind::kLinear)
      take_apart(network, node.value, factor, square);
    else
      add_scaled(square.rest, {{term.node, 1}}, factor);
  }
}

class Marker {
 public:
  Marker(const Network& network, bool whole_records)
      : net_(network), whole_records_(whole_records), live(network.nodes.size(), false) {
    live[kOneNode] = live[kPositionNode] = true;
  }

  void mark(const Expr& expr) {
    for (const Term& term : expr) mark(term.node);
  }

  void mark(NodeId id) {
    if (live[id]) return;
    live[id] = true;
    const Node& node = net_.nodes[id];
    mark(node.gate);
    mark(node.value);
    if (node.kind == Kind::kIndex || node.kind == Kind::kTokenAt || node.kind == Kind::kHistoryAt ||
        node.kind == Kind::kFunction)
      mark(node.at);
    if (node.kind == Kind::kSum) mark(net_.means[node.table].value);
    if (node.kind == Kind::kLookup) {
      const Store& store = net_.stores[node.table];
      mark(store.key);
      mark(store.clear);
      if (whole_records_)
        for (const Expr& column : store.columns) mark(column);
      const Square square = square_of(net_, store);
      mark(square.rest);
      for (const auto& product : square.products) {
        mark(product.gate);
        mark(product.value);
      }
    }
    if (node.kind == Kind::kFound) {
      mark(net_.stores[net_.nodes[node.at].table].columns[node.table]);
      mark(node.at);
    }
  }

 private:
  const Network& net_;
  const bool whole_records_;

 public:
  std::vector<bool> live;
};

}  // namespace

Square square_of(const Network& network, const Store& store) {
  Square square;
  take_apart(network, store.square, 1, square);
  return square;
}

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

Readers find_readers(const Network& network, const std::vector<bool>& live,
                     const std::vector<NodeId>& selected) {
  Readers readers{live, {}, closure(network, selected), std::vector<bool>(network.nodes.size(), false)};
  for (const Store& store : network.stores) readers.columns.emplace_back(store.columns.size(), false);
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    const Node& node = network.nodes[id];
    if (live[id] && node.kind == Kind::kFound)
      readers.columns[network.nodes[node.at].table][node.table] = true;
    const auto steady = [&](const Expr& expr) {
      return std::all_of(expr.begin(), expr.end(), [&](const Term& term) {
        return term.node == kOneNode || network.nodes[term.node].kind == Kind::kSum ||
               readers.stable[term.node];
      });
    };
    const bool indexed = node.kind == Kind::kTokenAt || node.kind == Kind::kHistoryAt ||
                         node.kind == Kind::kFunction || node.kind == Kind::kFound;
    readers.stable[id] = node.kind != Kind::kOne && node.kind != Kind::kPosition &&
                         node.kind != Kind::kToken && node.kind != Kind::kSum && steady(node.gate) &&
                         steady(node.value) && (!indexed || steady({{node.at, 1}}));
  }
  return readers;
}

}  // namespace tvm::plan
