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
  // Generating: after so many tokens, and then each time as many or as many as are held, the memory of those
  // that nobody can ask for is given back.
  std::size_t release_after = std::size_t{1} << 22;
};

// Throws Error (Status::kLimit) where a trace of so many tokens is not certified to be exact.
void require_positions(std::size_t count);

// Both throw Error: Status::kLimit beyond what is exact, LeftPlan (left_plan.hpp) when the sequence leaves
// the plan and nothing has been handed over.
void generate(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt, HandOver& out,
              Engine& engine);

// `threads` 0: as many as the machine has.
Verdict verify(const Plan& plan, std::span<const kernel::Token> tokens, std::size_t first, std::size_t last,
               std::int32_t* predicted, int threads, Engine& engine);

}  // namespace tvm::plan
