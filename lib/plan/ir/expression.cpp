#include "plan/ir/expression.hpp"

#include "plan/ir/declined.hpp"

namespace tvm::plan {

void add_scaled(Expr& to, Terms from, std::int64_t weight) {
  if (weight == 0) return;
  Expr sum;
  sum.reserve(to.size() + from.size());
  auto a = to.begin();
  for (const Term& term : from) {
    while (a != to.end() && a->node < term.node) sum.push_back(*a++);
    Term next{term.node, 0};
    if (a != to.end() && a->node == term.node) next.weight = (a++)->weight;
    std::int64_t product;
    if (__builtin_mul_overflow(term.weight, weight, &product) ||
        __builtin_add_overflow(next.weight, product, &next.weight))
      throw Declined{"a weight of the folded network does not fit 64 bits"};
    if (next.weight != 0) sum.push_back(next);
  }
  sum.insert(sum.end(), a, to.end());
  to = std::move(sum);
}

Expr constant(std::int64_t value) { return value == 0 ? Expr{} : Expr{{kOneNode, value}}; }

std::optional<std::int64_t> constant_of(const Expr& expr) {
  if (expr.empty()) return 0;
  if (expr.size() > 1 || expr[0].node != kOneNode) return std::nullopt;
  return expr[0].weight;
}

}  // namespace tvm::plan
