// Products that belong together: steps, equalities, and functions of one integer.
//
// Enters: what the neurons of a layer add to a slot.  Leaves: the same sum with fewer, simpler nodes.
#pragma once

#include "plan/fold/beginning.hpp"
#include "plan/ir/network.hpp"

namespace tvm::plan {

// Products of one value whose gates differ by constants are a piecewise linear function of the gate.
// Where it is v max(0, g) - v max(0, g - 1) it is a step (g is an integer), and where it is
// v max(0, g + 1) - 2 v max(0, g) + v max(0, g - 1) it is v at g = 0 alone.
Expr join_relu_idioms(Network& net, Beginning& beginning, const Expr& sum);

}  // namespace tvm::plan
