// Thrown while a plan is built, or while a run specialises it further.
#pragma once

#include <string>

namespace tvm::plan {

// The model has no integer structure that the plan knows how to keep exact; says where and why.
struct Declined {
  std::string why;
};

}  // namespace tvm::plan
