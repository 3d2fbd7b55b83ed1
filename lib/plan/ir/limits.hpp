// The bounds that everything proved of a plan rests on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/runtime.hpp"

namespace tvm::plan {

// Traces are shorter than this. Positions and counts therefore have intervals. The machines that pyvm makes
// tell a key from one that is 2^42 further by intervals: at 2^40 tokens it could no longer be seen that they
// do.
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 38;
static_assert(kMaxTokens <= kernel::kMostPositions);

// A run stops before a running sum leaves -kSumBound .. kSumBound: up to there every integer is a float64.
inline constexpr std::int64_t kSumBound = std::int64_t{1} << 53;

// And before a running sum has gone further than so many of its largest steps. A depth, by which keys are
// made, so has a narrower interval than the number of tokens would give it.
inline constexpr std::int64_t kMaxSteps = std::int64_t{1} << 31;

// Entries of all tables of functions of a plan together: 32 MB. A table is as long as its bends are apart,
// which takes the file a few weights, so that the file's size does not bound it.
inline constexpr std::size_t kTableEntries = std::size_t{1} << 22;

}  // namespace tvm::plan
