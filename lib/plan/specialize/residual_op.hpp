// Residual ops: what is left to compute of a node at one position.
//
// Enters: a node and what is known at the position.  Leaves: one operator with its operands, which are
// expressions of registers. This is the only place that says which registers an operator reads: demand.hpp
// follows the operands backwards, tape.hpp encodes the same ones.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/specialize/code.hpp"
#include "plan/specialize/partial_evaluator.hpp"
#include "plan/specialize/square_proof.hpp"

namespace tvm::plan {

struct ResidualOp {
  Code code = Code::kLinear;
  NodeId to = kOneNode;
  NodeId at = kPositionNode;          // a register that it reads by itself
  std::uint32_t table = 0, part = 0;  // as in Op
  const std::int64_t* tokens = nullptr;
  Expr gate = {}, value = {};
  // Values found in the record that the position itself entered. They are operands only as the columns of
  // that record, but positions after this one may read their registers.
  std::vector<NodeId> forwarded = {};

  bool is_gated() const {
    return code == Code::kSum || code == Code::kProduct || code == Code::kStep || code == Code::kEqual;
  }
};

// A record that the position enters into a store.
struct ResidualInsert {
  Expr key, clear;
  SquareProof proof;
  std::vector<Expr> columns;  // unread ones are 0
};

// Calls f(Expr) for each expression that is read.
template <class F>
void for_each_operand(const ResidualInsert& insert, F&& f) {
  f(insert.key);
  f(insert.clear);
  f(insert.proof.square.rest);
  for (const auto& product : insert.proof.square.products) {
    f(product.gate);
    f(product.value);
  }
  for (const Expr& column : insert.columns) f(column);
}

// to = expr
ResidualOp residual_read(const Network& network, PartialEvaluator& evaluator, const Expr& expr);
ResidualOp residual_op(const Network& network, PartialEvaluator& evaluator, NodeId id);
ResidualInsert residual_insert(const Subject& subject, PartialEvaluator& evaluator, std::uint32_t store);

}  // namespace tvm::plan
