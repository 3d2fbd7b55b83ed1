#include "plan/specialize/residual_op.hpp"

namespace tvm::plan {
namespace {

Expr read(const Network& network, PartialEvaluator& evaluator, const Expr& expr, ResidualOp& op) {
  for (const Term& term : expr)
    if (network.nodes[term.node].kind == Kind::kFound && evaluator.forwarded(term.node))
      op.forwarded.push_back(term.node);
  return evaluator.substitute(expr);
}

}  // namespace

ResidualOp residual_read(const Network& network, PartialEvaluator& evaluator, const Expr& expr) {
  ResidualOp op;
  op.value = read(network, evaluator, expr, op);
  return op;
}

ResidualOp residual_op(const Network& network, PartialEvaluator& evaluator, NodeId id) {
  const Node& node = network.nodes[id];
  ResidualOp op{.to = id, .table = node.index};
  if (node.at != kOneNode) op.at = node.at;
  const auto value = [&](const Expr& expr) { op.value = read(network, evaluator, expr, op); };
  switch (node.kind) {
    case Kind::kOne:
    case Kind::kPosition:       // always in their registers
    case Kind::kOpaque: break;  // nothing evaluates it
    case Kind::kToken:
    case Kind::kTokenAt:
      op.code = node.kind == Kind::kToken ? Code::kToken : Code::kTokenAt;
      op.tokens = network.table(node).data();
      break;
    case Kind::kLinear: value(node.value); break;
    case Kind::kIndex:
      op.code = Code::kIndex;
      value(node.value);
      break;
    case Kind::kHistoryAt: op.code = Code::kHistoryAt; break;
    case Kind::kFunction:
      op.code = Code::kFunction;
      value(node.value);
      break;
    case Kind::kSum:
      op.code = network.counts_all(node) ? Code::kAddToSum : Code::kSum;
      if (op.is_gated()) op.gate = read(network, evaluator, node.gate, op);
      value(network.mean(node).value);
      break;
    case Kind::kLookup:
      op.code = Code::kLookup;
      value(node.value);
      break;
    case Kind::kFound:
      op.code = Code::kFound;
      op.table = network.store_of(node);
      op.part = node.index;
      break;
    case Kind::kProduct:
    case Kind::kStep:
    case Kind::kEqual:
      if (evaluator.is_match(id)) {
        const Node& found = network.nodes[node.value[0].node];
        op.code = Code::kMatch;
        op.table = network.store_of(found);
        op.part = found.index;
        value(network.nodes[found.at].value);
        break;
      }
      op.code = node.kind == Kind::kProduct ? Code::kProduct
                : node.kind == Kind::kStep  ? Code::kStep
                                            : Code::kEqual;
      op.gate = read(network, evaluator, node.gate, op);
      value(node.value);
      break;
  }
  return op;
}

ResidualInsert residual_insert(const Subject& subject, PartialEvaluator& evaluator, std::uint32_t number) {
  const Store& store = subject.network.stores[number];
  ResidualInsert insert{evaluator.substitute(store.key),
                        evaluator.substitute(store.clear),
                        prove_square(subject.network, evaluator, store),
                        {}};
  for (std::uint32_t c = 0; c < store.columns.size(); ++c)
    insert.columns.push_back(subject.uses.columns[number][c] ? evaluator.substitute(store.columns[c])
                                                             : Expr{});
  return insert;
}

}  // namespace tvm::plan
