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

namespace tvm::kernel {

class Numbered {
 public:
  Numbered(const plan::Network& network, const plan::BlockVersions& versions);

  const std::vector<const plan::Block*>& blocks() const { return blocks_; }
  const std::vector<Recipe>& recipes() const { return recipes_; }
  std::optional<std::uint32_t> number(const plan::Block* block) const;

 private:
  std::vector<const plan::Block*> blocks_;
  std::vector<Recipe> recipes_;
  std::unordered_map<const plan::Block*, std::uint32_t> numbers_;
  std::unordered_map<const plan::Context*, std::uint32_t> contexts_;  // the first block that leads there
};

}  // namespace tvm::kernel
