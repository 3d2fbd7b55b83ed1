// A network without the nodes that nobody reads, numbered anew.
//
// Enters: a network.  Leaves: its copy, and the new number of each node. The value of each linear node may be
// written in another way on the way.
#pragma once

#include <functional>
#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

// A sum of nodes of the copy so far, in another way; it may add nodes.
using Rewrite = std::function<Expr(Network& copy, Expr sum)>;

// renumbered: per node of `from` its number in the copy; kOneNode for what is left out.
Network live_copy(Network from, const Rewrite& rewrite, std::vector<NodeId>& renumbered);

}  // namespace tvm::plan
