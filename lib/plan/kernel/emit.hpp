// A plan's blocks as C++: the transformer as a program.
//
// Enters: a plan, and sequences of tokens that programs made.  Leaves: source files, which a C++ compiler
// makes a shared object of (README.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/model.hpp"
#include "plan/plan.hpp"

namespace tvm::plan {

// A whole trace; the first `prompt` of its tokens are given, the others predicted.
struct Example {
  std::span<const kernel::Token> tokens;
  std::size_t prompt = 1;
};

struct SourceFile {
  std::string name, text;
};

// The examples begin with the same token. Each is run as runs do, which makes blocks. `parts`: files that
// blocks are spread over, in either mode.
std::vector<SourceFile> emit(const Model& model, const Plan& plan, const std::vector<Example>& examples,
                             std::size_t parts);

}  // namespace tvm::plan
