#include "plan/kernel/recipes.hpp"

#include "kernel/recipe_book.hpp"
#include "plan/specialize/fingerprint.hpp"

namespace tvm::plan {
Numbered::Numbered(const Network& network, const BlockVersions& versions) {
  contexts_[versions.start()] = kernel::kStart;
  contexts_[versions.nothing_known()] = kernel::kNothing;
  std::unordered_map<const Block*, std::pair<std::uint32_t, std::uint32_t>> branches;  // of targets
  for (const Block* block : versions.blocks()) {
    const auto number = static_cast<std::uint32_t>(blocks_.size());
    kernel::Recipe recipe{kernel::kStart, 0, 0, kernel::kStart, fingerprint_of(network, block->tape), 0};
    if (block->rest) {
      const auto branch = branches.find(block);
      if (branch == branches.end()) continue;  // made from a block that is not here
      recipe.parent = branch->second.first, recipe.index = branch->second.second, recipe.branch = 1;
    } else {
      const auto from = contexts_.find(block->from);
      if (from == contexts_.end()) continue;
      recipe.parent = from->second, recipe.index = kernel::step_index(block->token_class, block->predict);
    }
    if (block->after != nullptr) {
      recipe.after = contexts_.try_emplace(block->after, number).first->second;
      recipe.known = fingerprint_of(block->after->known);
    }
    for (std::uint32_t i = 0; i < block->targets.size(); ++i)
      if (const Block* target = block->targets[i].load(std::memory_order_acquire))
        branches.try_emplace(target, number, i);
    blocks_.push_back(block);
    recipes_.push_back(recipe);
    numbers_[block] = number;
  }
}

std::optional<std::uint32_t> Numbered::number(const Block* block) const {
  const auto found = numbers_.find(block);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tvm::plan
