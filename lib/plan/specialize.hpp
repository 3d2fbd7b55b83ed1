// Which nodes to specialise on, and the tapes made for their values.
//
// Enters: the network.  Leaves: `Split`: classes of tokens, and the nodes whose values choose the tape.
//
// A position runs two tapes. The first is specialised to the class of its token (all small token
// tables are constant there) and computes the nodes of the split. The second is specialised to
// the class and to the values found: for a machine, to the fetched opcode and the byte index. Tapes
// are made when they are first needed.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/network.hpp"

namespace tvm::plan {

struct Split {
  std::vector<std::uint32_t> token_class;          // per token
  std::vector<std::vector<std::int64_t>> classes;  // per class: value of each class node
  std::vector<NodeId> class_nodes;                 // kToken nodes with few values
  std::vector<NodeId> nodes;                       // computed by the first tape
};

Split choose_split(const Network& network, const std::vector<bool>& live);

// Values outside 0 .. kWindow - 1 of a node without a table stay unknown.
inline constexpr std::int64_t kWindow = 8;
bool may_specialize(const Network& network, NodeId node, std::int64_t value);

}  // namespace tvm::plan
