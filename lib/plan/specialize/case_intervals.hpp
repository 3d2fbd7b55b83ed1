// Intervals of the nodes in each case of a selector.
//
// Taken one by one, the two coordinates of an opcode's point open every gate a little. Taken together they
// are the point of one opcode: in each case most gates are closed, and the open one is 1. What is kept from
// earlier positions may be of any case.
//
// Enters: the network, and what the selector's nodes are in each case.  Leaves: the intervals of all nodes by
// case, and the network's own, narrowed: the unions over the cases.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

class CaseIntervals {
 public:
  CaseIntervals() = default;
  // `values`: (cases, nodes).
  CaseIntervals(Network& network, const std::vector<NodeId>& nodes,
                const std::vector<std::vector<std::int64_t>>& values);

  // Of all nodes in one case.
  std::vector<Interval> in(const Network& network, std::uint32_t one) const;

 private:
  // Most nodes that are not the same in all cases are 0 but in a few: in these they are open.
  struct Open {
    std::uint32_t in = 0;  // the case
    Interval is;
  };

  bool varies(Terms sum) const;
  Interval at(NodeId id, std::uint32_t one) const;  // of a node that varies
  std::vector<Open> compute(const Network& network, NodeId id);
  // Of a sum in all cases, and in one.
  std::vector<Interval> sum(const Network& network, const Expr& expr, bool linear) const;
  Interval sum_in(const Network& network, const Expr& expr, std::uint32_t one) const;

  std::uint32_t cases_ = 0;
  std::vector<bool> varies_;             // per node
  std::vector<std::vector<Open>> open_;  // per node that varies: by ascending case
  std::map<Expr, std::vector<Open>>
      gates_;  // while they are computed, gates are few: where one is not negative
};

}  // namespace tvm::plan
