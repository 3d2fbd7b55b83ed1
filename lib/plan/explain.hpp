// The plan in words: what was found, what is proved, and the tapes of a run.
#pragma once

#include <span>
#include <string>

#include "plan/plan.hpp"

namespace tvm::plan {

// A JSON object. With tokens: also the tapes that predicting all of them takes. Throws Error as runs do.
std::string explain(const Plan& plan, std::span<const kernel::Token> tokens);

}  // namespace tvm::plan
