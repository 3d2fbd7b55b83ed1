// Generation and verification on the plan.
#pragma once

#include <cstdint>
#include <span>

#include "plan/plan.hpp"
#include "tvm.h"

namespace tvm::plan {

// Both throw Error: TVM_ERROR_LIMIT beyond what is exact, TVM_ERROR_UNSUPPORTED when the sequence leaves
// the patterns that the plan was built on (the layer path can still run it).
void generate(const Plan& plan, std::int32_t stop, std::span<const std::int32_t> prompt, std::uint64_t limit,
              tvm_callback callback, void* user, tvm_run_result& result);

// `threads` 0: as many as the machine has.
void verify(const Plan& plan, std::span<const std::int32_t> tokens, std::size_t first, std::size_t last,
            std::int32_t* predicted, std::int32_t threads, tvm_verify_result& result);

}  // namespace tvm::plan
