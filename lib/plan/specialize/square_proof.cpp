#include "plan/specialize/square_proof.hpp"

namespace tvm::plan {

SquareProof prove_square(const Network& network, PartialEvaluator& evaluator, const Store& store) {
  using How = SquareProof::How;
  SquareProof computed{How::kCompute, 0, {}};
  SquaredKey square = squared_key(network, store);
  computed.square.rest = evaluator.substitute(square.rest);
  for (const auto& [weight, raw_gate, raw_value] : square.products)
    if (Expr gate = evaluator.substitute(raw_gate); evaluator.interval(gate).high > 0)
      computed.square.products.push_back({weight, std::move(gate), evaluator.substitute(raw_value)});
  const Expr key = evaluator.substitute(store.key), &rest = computed.square.rest;
  const auto& products = computed.square.products;
  if (key.empty() && rest.empty() && products.empty()) return {How::kProved, 0, {}};
  if (!rest.empty() || products.size() != 1 || products[0].weight != 1) return computed;
  const Expr& gate = products[0].gate;
  if (gate != products[0].value) return computed;
  // The key may be a register that holds a sum; the gate is that sum.
  Expr sum;
  for (const Term& term : key) {
    const Node& node = network.nodes[term.node];
    add_scaled(sum, node.kind == Kind::kLinear ? evaluator.substitute(node.value) : Expr{{term.node, 1}},
               term.weight);
  }
  for (const std::int64_t sign : {1, -1}) {
    Expr signed_key;
    add_scaled(signed_key, sum, sign);
    if (signed_key == gate) return {evaluator.interval(gate).low >= 0 ? How::kProved : How::kSign, sign, {}};
  }
  return computed;
}

}  // namespace tvm::plan
