// What is known at a point of a kernel's function.
//
// Enters: what has been computed on the way there.  Leaves: names of values, and what needs no check again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "plan/ir/node.hpp"

namespace tvm::plan {

struct Scope {
  std::map<NodeId, std::string> names;    // of values of registers
  std::map<NodeId, std::string> rows;     // of pointers to rows
  std::map<NodeId, std::string> changed;  // registers whose value in memory is an older one, with the new
  // Sums of registers, less constants: base + `least` was seen within 0 .. position, when the position was
  // `steps` further than at the begin of the function. So base + least + n is within 0 .. position + n.
  struct Seen {
    std::int64_t least;
    std::int64_t steps;
  };
  std::map<std::string, Seen> seen;
  std::int64_t steps = 0;                     // positions since the begin of the function
  std::map<std::int64_t, std::string> given;  // tokens that were predicted, by `steps`
};

}  // namespace tvm::plan
