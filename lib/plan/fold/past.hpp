// Expressions of the past: what a gather head reads.
#pragma once

#include "plan/ir/network.hpp"

namespace tvm::plan {

// `expr` as it was at the position that node `at` holds. What depends on the position and on the tokens
// around it alone is computed again from the tokens; of all else the network keeps a history.
Expr past(Network& net, const Expr& expr, NodeId at);

}  // namespace tvm::plan
