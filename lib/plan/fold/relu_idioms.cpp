#include "plan/fold/relu_idioms.hpp"

#include <functional>
#include <map>
#include <utility>

namespace tvm::plan {
namespace {

// Fewer hinges than this stay products.
constexpr std::size_t kManyHinges = 8;
// Entries of a table for each of its hinges: a longer one costs more memory than the hinges cost time.
constexpr std::size_t kWorthEntries = 256;

// sum over bends b of weight * max(0, c - b), tabulated; empty when the tables would be too long.
Expr function(Network& net, const std::map<std::int64_t, std::int64_t>& bends, const Expr& c) {
  Function f;
  f.low = bends.begin()->first;
  const Wide entries = Wide{bends.rbegin()->first} - f.low + 1;
  if (entries > Wide{kWorthEntries * bends.size()} || entries > Wide{kTableEntries - net.table_entries})
    return {};
  f.values.reserve(static_cast<std::size_t>(entries));
  std::int64_t value = 0;
  auto bend = bends.begin();
  for (std::int64_t at = f.low; at <= bends.rbegin()->first; ++at) {
    if (__builtin_add_overflow(value, f.slope, &value)) return {};
    f.values.push_back(value);
    if (bend->first != at) continue;
    if (__builtin_add_overflow(f.slope, bend->second, &f.slope)) return {};
    ++bend;
  }
  return net.term(Node::function(net.add_function(std::move(f)), c));
}

}  // namespace

Expr join_relu_idioms(Network& net, Beginning& beginning, const Expr& sum) {
  struct Hinge {
    std::int64_t shift, weight;
    NodeId node;
  };
  std::map<std::pair<Expr, Expr>, std::map<std::int64_t, Hinge, std::greater<>>> families;
  Expr result;
  for (const Term& term : sum) {
    const Node& node = net.nodes[term.node];
    if (node.kind != Kind::kProduct) {
      add_scaled(result, Terms(&term, 1), 1);
      continue;
    }
    Expr gate = node.gate;
    std::int64_t shift = 0;
    if (!gate.empty() && gate[0].node == kOneNode) {
      shift = gate[0].weight;
      gate.erase(gate.begin());
    }
    families[{gate, node.value}][shift] = {shift, term.weight, term.node};
  }
  for (auto& [family, members] : families) {
    if (members.size() >= kManyHinges && constant_of(beginning.settled(family.second)) == 1) {
      std::map<std::int64_t, std::int64_t> bends;  // by the integer after which the slope changes
      for (const auto& [shift, member] : members) bends[-shift] += member.weight;
      if (const Expr f = function(net, bends, family.first); !f.empty()) {
        // Where the 1 is a token table, the sum is 0 for the tokens for which it is.
        const bool always = constant_of(family.second).has_value();
        add_scaled(result, always ? f : net.term(Node::gated(Kind::kStep, family.second, f)), 1);
        continue;
      }
    }
    const auto gate_at = [&, &gate = family.first](std::int64_t shift) {
      Expr shifted = gate;
      add_scaled(shifted, constant(shift), 1);
      return shifted;
    };
    while (!members.empty()) {
      const Hinge top = members.begin()->second;
      const auto next = members.find(top.shift - 1), third = members.find(top.shift - 2);
      const bool paired = next != members.end();
      if (paired && third != members.end() && next->second.weight == -2 * top.weight &&
          third->second.weight == top.weight) {
        add_scaled(result, net.term(Node::gated(Kind::kEqual, gate_at(top.shift - 1), family.second)),
                   top.weight);
        members.erase(third);
        members.erase(next);
      } else if (paired && next->second.weight == -top.weight) {
        add_scaled(result, net.term(Node::gated(Kind::kStep, gate_at(top.shift), family.second)), top.weight);
        members.erase(next);
      } else {
        add_scaled(result, Expr{{top.node, 1}}, top.weight);
      }
      members.erase(members.begin());
    }
  }
  return result;
}

}  // namespace tvm::plan
