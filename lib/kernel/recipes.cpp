#include "kernel/recipes.hpp"

#include "kernel/fingerprint.hpp"
#include "kernel/recipe_book.hpp"

namespace tvm::kernel {
Numbered::Numbered(const plan::Network& network, const plan::BlockVersions& versions) {
  contexts_[versions.start()] = kStart;
  contexts_[versions.nothing_known()] = kNothing;
  std::unordered_map<const plan::Block*, std::pair<std::uint32_t, std::uint32_t>> branches;  // of targets
  for (const plan::Block* block : versions.blocks()) {
    const auto number = static_cast<std::uint32_t>(blocks_.size());
    Recipe recipe{kStart, 0, 0, kStart, fingerprint_of(network, block->tape)};
    if (block->rest) {
      const auto branch = branches.find(block);
      if (branch == branches.end()) continue;  // made from a block that is not here
      recipe.parent = branch->second.first, recipe.index = branch->second.second, recipe.branch = 1;
    } else {
      const auto from = contexts_.find(block->from);
      if (from == contexts_.end()) continue;
      recipe.parent = from->second, recipe.index = step_index(block->token_class, block->predict);
    }
    if (block->after != nullptr) recipe.after = contexts_.try_emplace(block->after, number).first->second;
    for (std::uint32_t i = 0; i < block->targets.size(); ++i)
      if (const plan::Block* target = block->targets[i].load(std::memory_order_acquire))
        branches.try_emplace(target, number, i);
    blocks_.push_back(block);
    recipes_.push_back(recipe);
    numbers_[block] = number;
  }
}

std::optional<std::uint32_t> Numbered::number(const plan::Block* block) const {
  const auto found = numbers_.find(block);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tvm::kernel
