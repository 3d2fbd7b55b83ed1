// The constant 1 of a model whose sequences begin with an empty token.
//
// A token is *empty* when its embedding is all zero. At position 0 it leaves the whole stream at zero, in
// every layer: the position, the recency and the squared position are 0 there, and no unit has a bias. In a
// model that has such tokens nothing is a constant: the "one" of others is a token table here, c times *one*,
// which is 0 for empty tokens and 1 for all others.
//
// Where sequences begin with an empty token and have no other, that table does the work of the constant:
//     a gate or a query that reads it   at position 0 whatever it multiplies is 0, or one candidate wins
//     anyway a mean of equal keys `one`        is over all positions but 0, as many as the position says; and
//     what it
//                                       sums is 0 at position 0
// Other sequences leave the plan (Network::begins).
#pragma once

#include "model/model.hpp"
#include "plan/ir/network.hpp"

namespace tvm::plan {

class Beginning {
 public:
  Beginning(const Model& model, Network& net);

  // `expr` with the constant 1 for `one`: of a gate, or of what scales a query.
  Expr settled(const Expr& expr);
  // How many positions tie in a mean with these keys, as an expression; empty when nobody knows.
  Expr count(const TokenTable& keys);

 private:
  bool is_one(const TokenTable& table, std::int64_t scale) const;

  Network& net_;
  std::vector<bool> empty_;  // (V); no token at all: there are no such
};

}  // namespace tvm::plan
