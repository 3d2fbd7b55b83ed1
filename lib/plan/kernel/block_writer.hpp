// One block as a C++ function.
//
// Enters: a block and the names that kernels know.  Leaves: the source of its function (block.hpp), or
// nothing where one of its operators is not for kernels: histories, means with a key, predictions without a
// table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plan/kernel/predictions.hpp"
#include "plan/kernel/tables.hpp"
#include "plan/plan.hpp"

namespace tvm::plan {

// What is common to all blocks of a kernel.
struct Writing {
  const Subject& subject;
  std::int32_t stop;
  std::vector<plan::NodeId> sums;  // passed from block to block
  Tables& tables;
  Predictions& predictions;
  // The number of the block that a link leads to, if it is part of the kernel.
  std::function<std::optional<std::uint32_t>(const Block*)> number;
};

bool is_for_kernels(const Block& block);

std::string write_block(const Writing& writing, const Block& block, std::uint32_t number);

// The type of a store's rows.
std::string write_row(const Writing& writing, std::uint32_t store);

}  // namespace tvm::plan
