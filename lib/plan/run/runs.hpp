// Generation and verification on the plan.
#pragma once

#include <cstdint>
#include <span>

#include "base/token_sink.hpp"
#include "base/verdict.hpp"
#include "plan/plan.hpp"

namespace tvm::plan {

// What runs a plan, and what it comes to.
struct Engine {
  bool kernel = true;         // take the plan's kernel, if it has one
  std::uint64_t covered = 0;  // positions that the kernel has run
};

// Both throw Error: Status::kLimit beyond what is exact, LeftPlan (left_plan.hpp) when the sequence leaves
// the plan and nothing has been handed over.
void generate(const Plan& plan, std::int32_t stop, std::span<const std::int32_t> prompt, HandOver& out,
              Engine& engine);

// `threads` 0: as many as the machine has.
Verdict verify(const Plan& plan, std::span<const std::int32_t> tokens, std::size_t first, std::size_t last,
               std::int32_t* predicted, int threads, Engine& engine);

}  // namespace tvm::plan
