// Ends of a run that its owner may answer by running it in another way.
#pragma once

#include <string>
#include <utility>

#include "base/error.hpp"

namespace tvm::plan {

// The sequence left the patterns that the plan was built on: the layer path can still run it. A user hears of
// it only where path plan was asked for.
class LeftPlan : public Error {
 public:
  explicit LeftPlan(std::string message) : Error(Status::kUnsupported, std::move(message)) {}
};

// A far read (ir/token_bases.hpp) met a token that the interpreter's owner no longer holds: a run that holds
// all tokens can still do it.
class NotHeld : public Error {
 public:
  explicit NotHeld(std::string message) : Error(Status::kLimit, std::move(message)) {}
};

}  // namespace tvm::plan
