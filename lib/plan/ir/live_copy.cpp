#include "plan/ir/live_copy.hpp"

#include <algorithm>
#include <utility>

#include "plan/ir/liveness.hpp"

namespace tvm::plan {
namespace {

class Copier {
 public:
  Copier(Network& from, std::vector<NodeId>& renumbered) : from_(from), renumbered_(renumbered) {
    renumbered_.assign(from.nodes.size(), kOneNode);
    present_ = live_nodes(from);
    store_read_.assign(from.stores.size(), false);
    for (NodeId id = 0; id < present_.size(); ++id)
      if (present_[id] && from.nodes[id].kind == Kind::kLookup) store_read_[from.nodes[id].index] = true;
    // A squared key is taken apart: its products are read by nobody else.
    for (std::size_t s = 0; s < from.stores.size(); ++s)
      if (store_read_[s])
        for (const Term& term : from.stores[s].square) keep(term.node);
  }

  Network run(const Rewrite& rewrite) {
    to_.tables = std::move(from_.tables);
    to_.functions = std::move(from_.functions);
    to_.table_entries = from_.table_entries;
    to_.weights = std::move(from_.weights);
    to_.bias = std::move(from_.bias);
    to_.begins = std::move(from_.begins);
    to_.heads_used = from_.heads_used, to_.heads_dropped = from_.heads_dropped;
    to_.neurons_used = from_.neurons_used;
    to_.stores.resize(from_.stores.size());
    // An interval may look into a store's columns: each is there as soon as its nodes are.
    for (NodeId id = 0; id < present_.size(); ++id) {
      if (!present_[id]) continue;
      to_.origin = from_.origins[id];
      Node node = copied(from_.nodes[id]);
      if (node.kind == Kind::kLookup) copy_store(node.index);
      if (node.kind == Kind::kLinear && rewrite) node.value = rewrite(to_, std::move(node.value));
      const NodeId made = to_.add(std::move(node));
      Interval& interval = to_.intervals[made];
      interval = {std::max(interval.low, from_.intervals[id].low),
                  std::min(interval.high, from_.intervals[id].high)};
      renumbered_[id] = made;
    }
    for (const Expr& feature : from_.features) to_.features.push_back(copied(feature));
    return std::move(to_);
  }

 private:
  void keep(NodeId id) {
    if (present_[id]) return;
    present_[id] = true;
    for_each_operand(from_.nodes[id], [&](Terms operand) {
      for (const Term& term : operand) keep(term.node);
    });
  }

  Expr copied(const Expr& expr) const {
    Expr sum;
    sum.reserve(expr.size());
    for (const Term& term : expr) {
      const NodeId id = renumbered_[term.node];
      if (sum.empty() || sum.back().node < id)
        sum.push_back({id, term.weight});
      else
        add_scaled(sum, Expr{{id, 1}}, term.weight);
    }
    return sum;
  }

  Node copied(Node node) {
    node.at = renumbered_[node.at];
    node.gate = copied(node.gate);
    node.value = copied(node.value);
    if (node.kind == Kind::kHistoryAt) node.index = to_.histories.add(copied(from_.histories[node.index]));
    if (node.kind == Kind::kSum) {
      Mean mean = from_.means[node.index];
      mean.value = copied(mean.value);
      node.index = to_.means.add(std::move(mean));
    }
    return node;
  }

  // Before the first node that looks into it, after all that it keeps.
  void copy_store(std::uint32_t number) {
    const Store& from = from_.stores[number];
    Store& to = to_.stores[number];
    if (!to.columns.empty() || !to.square.empty()) return;
    to = {copied(from.key), copied(from.square), copied(from.clear), {}};
    for (const Expr& column : from.columns)
      to.columns.push_back(
          std::all_of(column.begin(), column.end(), [&](const Term& term) { return present_[term.node]; })
              ? copied(column)
              : Expr{});
  }

  Network& from_;
  std::vector<NodeId>& renumbered_;
  std::vector<bool> present_, store_read_;
  Network to_;
};

}  // namespace

Network live_copy(Network from, const Rewrite& rewrite, std::vector<NodeId>& renumbered) {
  return Copier(from, renumbered).run(rewrite);
}

}  // namespace tvm::plan
