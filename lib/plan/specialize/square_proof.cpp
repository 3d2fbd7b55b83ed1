#include "plan/specialize/square_proof.hpp"

#include <vector>

namespace tvm::plan {

SquareProof prove_square(const Network& network, Knowledge& knowledge, const Store& store) {
  using How = SquareProof::How;
  SquareProof proof{How::kCompute, 0, square_of(network, store)};
  auto& products = proof.square.products;
  std::erase_if(products, [&](const auto& product) {
    return knowledge.range(knowledge.substitute(product.gate)).high <= 0;
  });
  const Expr key = knowledge.substitute(store.key), rest = knowledge.substitute(proof.square.rest);
  if (key.empty() && rest.empty() && products.empty()) proof.how = How::kProved;
  if (!rest.empty() || products.size() != 1 || products[0].weight != 1) return proof;
  const Expr gate = knowledge.substitute(products[0].gate);
  if (gate != knowledge.substitute(products[0].value)) return proof;
  // The key may be a register that holds a sum; the gate is that sum.
  Expr sum;
  for (const Term& term : key) {
    const Node& node = network.nodes[term.node];
    add_scaled(sum, node.kind == Kind::kLinear ? knowledge.substitute(node.value) : Expr{{term.node, 1}},
               term.weight);
  }
  for (const std::int64_t sign : {1, -1}) {
    Expr signed_key;
    add_scaled(signed_key, sum, sign);
    if (signed_key != gate) continue;
    proof.sign = sign;
    proof.how = knowledge.range(gate).low >= 0 ? How::kProved : How::kSign;
    return proof;
  }
  return proof;
}

}  // namespace tvm::plan
