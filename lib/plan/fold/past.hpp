// Expressions of the past: what a gather head reads.
#pragma once

#include "plan/ir/network.hpp"

namespace tvm::plan {

// `expr` as it was at the position that node `at` holds. An expression of the position and the tokens around
// it is computed again from the tokens; for any other the network keeps a history, its value at every
// position.
Expr past(Network& net, const Expr& expr, NodeId at);

}  // namespace tvm::plan
