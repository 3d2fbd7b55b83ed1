// Narrower intervals, case by case.
//
// Enters: a network whose nodes have intervals, and its selectors.  Leaves: the intervals narrowed, and
// those of each case.
//
// Taken one by one, the two coordinates of an opcode's point open every gate a little. Taken together
// they are the point of one opcode: in each case most gates are closed, and the open one is 1. A node's
// interval is the union over the cases. What is kept from earlier positions may be of any case.
#pragma once

#include "plan/ir/network.hpp"
#include "plan/specialize/division.hpp"

namespace tvm::plan {

void narrow_ranges(Network& network, Split& split);

}  // namespace tvm::plan
