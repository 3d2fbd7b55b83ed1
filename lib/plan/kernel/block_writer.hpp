// Functions of a kernel: a block as C++, with the blocks that are part of its function.
//
// Enters: blocks and the names that kernels know.  Leaves: source (kernel/block.hpp has its words). Histories
// and means with a key are not for kernels.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plan/kernel/following.hpp"
#include "plan/kernel/functions.hpp"
#include "plan/kernel/tables.hpp"
#include "plan/plan.hpp"

namespace tvm::plan {

// What is common to all functions of a kernel.
struct Writing {
  const Subject& subject;
  std::int32_t stop;
  const std::vector<const Block*>& blocks;  // by number
  const std::map<std::uint32_t, Following>& following;
  const Functions& functions;
  std::vector<NodeId> sums;  // passed from function to function
  Tables& tables;
  std::function<std::string(const Block&)> about;  // what a block is for, in words
};

bool is_for_kernels(const Block& block);

std::string write_function(const Writing& writing, std::uint32_t first);

// The type of a store's rows.
std::string write_row(const Subject& subject, std::uint32_t store);

}  // namespace tvm::plan
