// Which blocks become one function: a block that follows one other alone is part of that one's function,
// where its values need no register in memory and nothing is checked twice.
//
// Enters: what follows each block.  Leaves: the first block of each function, and which others are in it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "plan/kernel/following.hpp"

namespace tvm::plan {

class Functions {
 public:
  // `blocks`: of the kernel, ascending, with what follows them.
  explicit Functions(const std::map<std::uint32_t, Following>& blocks);

  // Ascending. Runs enter a kernel at these.
  const std::vector<std::uint32_t>& firsts() const { return firsts_; }
  bool is_first(std::uint32_t block) const { return !inside_[block]; }

 private:
  std::vector<bool> inside_;
  std::vector<std::uint32_t> firsts_;
};

}  // namespace tvm::plan
