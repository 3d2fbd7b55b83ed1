#include "plan/fold/past.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

// A function of its position and of the tokens around it alone.
bool token_local(const Network& net, Terms terms) {
  return std::all_of(terms.begin(), terms.end(), [&](const Term& term) {
    const Node& node = net.nodes[term.node];
    bool local = node.kind == Kind::kOne || node.kind == Kind::kPosition || node.kind == Kind::kToken ||
                 node.kind == Kind::kLinear || node.kind == Kind::kIndex || node.kind == Kind::kTokenAt;
    for_each_operand(node, [&](Terms operand) { local = local && token_local(net, operand); });
    return local;
  });
}

Expr past_node(Network& net, NodeId id, NodeId at) {
  const Expr self{{id, 1}};
  if (!token_local(net, self)) return net.term(Node::history_at(net.histories.add(self), self, at));
  const Node node = net.nodes[id];
  switch (node.kind) {
    case Kind::kPosition: return {{at, 1}};
    case Kind::kToken: return net.term(Node::token_at(node.index, at));
    case Kind::kLinear: return past(net, node.value, at);
    case Kind::kIndex: {
      // An index that was bounded by its own position is bounded by `at` there.
      const NodeId upper = node.at == kOneNode ? at : past_node(net, node.at, at)[0].node;
      return net.term(Node::clamped(past(net, node.value, at), upper));
    }
    case Kind::kTokenAt: return net.term(Node::token_at(node.index, past_node(net, node.at, at)[0].node));
    default: return self;  // kOne
  }
}

}  // namespace

Expr past(Network& net, const Expr& expr, NodeId at) {
  if (at == kPositionNode) return expr;
  Expr result;
  for (const Term& term : expr) add_scaled(result, past_node(net, term.node, at), term.weight);
  return result;
}

}  // namespace tvm::plan
