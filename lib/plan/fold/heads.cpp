#include "plan/fold/heads.hpp"

#include <algorithm>
#include <optional>

#include "model/model.hpp"
#include "plan/fold/past.hpp"

namespace tvm::plan {

void Heads::attend(Head& head, const Place& place) {
  const std::optional<std::int64_t> unit = constant_of(beginning_.settled(head.q1));
  const auto outputs = [&](auto&& output) {
    for (std::size_t i : {0u, 1u})
      if (head.read[i]) head.values[i] = output(i);
  };
  if (!head.latest) {
    const Expr& key = head.k1;
    const bool token_key =
        key.empty() ||
        (key.size() == 1 && (key[0].node == kOneNode || net_.nodes[key[0].node].kind == Kind::kToken));
    if (!head.k0.empty() || !token_key || head.reads_square || head.recency != 0.0 || !head.clear.empty() ||
        !unit || *unit <= 0)
      place.decline("averages over scores that the plan does not know");
    return outputs([&](std::size_t i) { return mean(head.values[i], key, place); });
  }
  if (unit != 1) place.decline("its query has no constant second component");
  // The recency must stay below the least difference of two integer scores, 1.
  if (head.recency < 0.0 || head.recency * kRecencyBound >= 1.0)
    place.decline("its recency can outweigh a key");
  if (head.reads_square) {
    if (head.square != -1.0 || head.k0 != Expr{{kPositionNode, 2}} || !head.k1.empty() || !head.clear.empty())
      place.decline("its key is not a position");
    const NodeId at = net_.add(Node::clamped(head.q0, kOneNode));
    return outputs([&](std::size_t i) { return past(net_, head.values[i], at); });
  }
  const std::uint32_t store = parabola_store(head, place);
  std::uint32_t columns[2] = {};
  for (std::size_t i : {0u, 1u})
    if (head.read[i]) columns[i] = column(store, head.values[i]);
  const NodeId lookup = net_.add(Node::lookup(store, head.q0));
  outputs([&](std::size_t i) { return net_.term(Node::found(columns[i], lookup)); });
}

// Heads of equal keys share a store, unless a value is computed only after the store is entered: just
// before it is first looked into.
std::uint32_t Heads::parabola_store(const Head& head, const Place& place) {
  Store store;
  for (const Term& term : head.k0) {
    if (term.weight % 2 != 0) place.decline("its key is not twice an integer");
    store.key.push_back({term.node, term.weight / 2});
  }
  add_scaled(store.square, head.k1, -1);
  store.clear = head.clear;
  const auto is_before = [&](NodeId entered) {
    return std::all_of(std::begin(head.values), std::end(head.values),
                       [&](const Expr& value) { return value.empty() || value.back().node < entered; });
  };
  for (std::uint32_t i = 0; i < net_.stores.size(); ++i)
    if (net_.stores[i].key == store.key && net_.stores[i].square == store.square &&
        net_.stores[i].clear == store.clear && is_before(entered_[i]))
      return i;
  net_.stores.push_back(std::move(store));
  entered_.push_back(static_cast<NodeId>(net_.nodes.size()));
  return static_cast<std::uint32_t>(net_.stores.size() - 1);
}

std::uint32_t Heads::column(std::uint32_t store, const Expr& value) {
  auto& columns = net_.stores[store].columns;
  for (std::uint32_t i = 0; i < columns.size(); ++i)
    if (columns[i] == value) return i;
  columns.push_back(value);
  return static_cast<std::uint32_t>(columns.size() - 1);
}

// A mean is no integer. It stands for itself in slots until a product with its count consumes it.
Expr Heads::mean(const Expr& value, const Expr& key, const Place& place) {
  TokenTable keys(net_.bias.size(), key.empty() ? 0 : key[0].weight);
  if (!key.empty() && key[0].node != kOneNode)
    for (std::size_t id = 0; id < keys.size(); ++id)
      if (__builtin_mul_overflow(keys[id], net_.table(net_.nodes[key[0].node])[id], &keys[id]))
        place.decline("a key does not fit 64 bits");
  Expr count = beginning_.count(keys);
  return net_.term(
      Node::sum(net_.means.add({value, net_.tables.add(std::move(keys)), std::move(count)}), {}));
}

}  // namespace tvm::plan
