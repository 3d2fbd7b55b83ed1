// The bounds that everything proved of a plan rests on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tvm::plan {

// Traces are shorter than this. Positions and counts therefore have intervals.
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;

// A run stops before a running sum leaves -kSumBound .. kSumBound: up to there every integer is a float64.
inline constexpr std::int64_t kSumBound = std::int64_t{1} << 53;

// Entries of all tables of functions of a plan together: 32 MB. A table is as long as its bends are apart,
// which takes the file a few weights, so that the file's size does not bound it.
inline constexpr std::size_t kTableEntries = std::size_t{1} << 22;

}  // namespace tvm::plan
