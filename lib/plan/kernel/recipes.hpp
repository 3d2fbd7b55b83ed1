// The blocks of a kernel by number, and how each is made.
//
// Enters: block versions, after runs and closing under links.  Leaves: their blocks in an order in which each
// comes after what it is made from, with recipes.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "kernel/runtime.hpp"
#include "plan/specialize/block_versions.hpp"

namespace tvm::plan {

class Numbered {
 public:
  Numbered(const Network& network, const BlockVersions& versions);

  const std::vector<const Block*>& blocks() const { return blocks_; }
  const std::vector<kernel::Recipe>& recipes() const { return recipes_; }
  std::optional<std::uint32_t> number(const Block* block) const;

 private:
  std::vector<const Block*> blocks_;
  std::vector<kernel::Recipe> recipes_;
  std::unordered_map<const Block*, std::uint32_t> numbers_;
  std::unordered_map<const Context*, std::uint32_t> contexts_;  // the first block that leads there
};

}  // namespace tvm::plan
