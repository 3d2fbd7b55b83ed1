// What follows a block of a kernel: the blocks that it goes on with.
//
// Enters: a block, and the blocks that the kernel is of.  Leaves: their numbers, by what chooses among them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "plan/kernel/predictions.hpp"
#include "plan/specialize/block_versions.hpp"

namespace tvm::plan {

// The number of the block that a link leads to, if it is part of the kernel.
using NumberOf = std::function<std::optional<std::uint32_t>(const Block*)>;

struct Following {
  std::vector<std::uint32_t> blocks;  // each once, in the order in which they come
  // What chooses: an entry of the table of predictions, the index of a branch, or where there are neither,
  // the class of the token. For each, the block's place in `blocks` plus 1; 0: the function is left.
  std::vector<std::uint32_t> way = {};
  std::vector<std::int32_t> tokens = {};  // the table of predictions; none where it would be too long
  bool branches = false;                  // the blocks are its targets, which run at the same position
};

// Whether each prediction of the block can be computed before anything runs.
bool has_table(const Block& block);

Following following(const Subject& subject, const Block& block, const NumberOf& number, std::int32_t stop,
                    Predictions& predictions);

}  // namespace tvm::plan
