// Liveness: which nodes are read, and by what.
#pragma once

#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

// Nodes that the output reads, directly or through other nodes and their histories.
std::vector<bool> live_nodes(const Network& network);

// Nodes that `wanted` reads, directly or through others. With a lookup come all columns of its store.
std::vector<bool> closure(const Network& network, const std::vector<NodeId>& wanted);

// The uses of nodes, the same for every tape.
struct Uses {
  std::vector<bool> live;
  std::vector<NodeId> keepers;             // live sums, histories and lookups: what every position extends
  std::vector<std::vector<bool>> columns;  // per store: whether a live node reads the column
  std::vector<bool> before_branch;         // what the selectors' nodes read
  std::vector<bool> stable;                // changes only when a sum or a store does
};

Uses find_uses(const Network& network, const std::vector<bool>& live, const std::vector<NodeId>& selected);

}  // namespace tvm::plan
