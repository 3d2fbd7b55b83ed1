// Thrown while a plan is built, or while a run specialises it further.
#pragma once

#include <string>

namespace tvm::plan {

// The model is no integer machine of the known patterns; says where and why.
struct Declined {
  std::string why;
};

}  // namespace tvm::plan
