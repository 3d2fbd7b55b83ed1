#include "plan/ir/squared_key.hpp"

#include "plan/ir/declined.hpp"

namespace tvm::plan {
namespace {

void take_apart(const Network& network, const Expr& expr, std::int64_t weight, SquaredKey& square) {
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
      add_scaled(square.rest, Expr{{term.node, 1}}, factor);
  }
}

}  // namespace

SquaredKey squared_key(const Network& network, const Store& store) {
  SquaredKey square;
  take_apart(network, store.square, 1, square);
  return square;
}

}  // namespace tvm::plan
