// The sequence left the patterns that the plan was built on: the layer path can still run it. A user hears of
// it only where path plan was asked for.
#pragma once

#include <string>
#include <utility>

#include "base/error.hpp"

namespace tvm::plan {

class LeftPlan : public Error {
 public:
  explicit LeftPlan(std::string message) : Error(Status::kUnsupported, std::move(message)) {}
};

}  // namespace tvm::plan
