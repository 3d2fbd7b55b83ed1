// The bounds that everything proved of a plan rests on.
#pragma once

#include <cstdint>

namespace tvm::plan {

// Traces are shorter than this. Positions and counts therefore have intervals.
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;

// A run stops before a running sum leaves -kSumBound .. kSumBound: up to there every integer is a float64.
inline constexpr std::int64_t kSumBound = std::int64_t{1} << 53;

}  // namespace tvm::plan
