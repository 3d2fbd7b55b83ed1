// Which block of a kernel a block is that a run makes.
//
// Enters: the recipes of a kernel.  Leaves: numbers of blocks by how they are made.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernel/runtime.hpp"

namespace tvm::kernel {

// The number of no block of a kernel, and of no context.
inline constexpr std::uint32_t kUnknown = UINT32_MAX - 2;

inline std::uint32_t step_index(std::uint32_t token_class, bool predict) {
  return 2 * token_class + (predict ? 1 : 0);
}

class RecipeBook {
 public:
  RecipeBook(const Recipe* recipes, std::uint32_t count) : recipes_(recipes), size_(count) {
    for (std::uint32_t block = 0; block < count; ++block) {
      (recipes[block].branch != 0 ? targets_ : steps_)
          .emplace(key_of(recipes[block].parent, recipes[block].index), block);
      if (recipes[block].known != 0) contexts_.emplace(recipes[block].known, recipes[block].after);
    }
    find_ways();
  }

  // The context in which this is known, by its fingerprint: runs that have left the kernel come back there.
  std::uint32_t context(std::uint64_t known) const { return number(contexts_, known); }

  // Contexts are numbered by the first block after which they are, or kStart or kNothing.
  std::uint32_t step(std::uint32_t context, std::uint32_t token_class, bool predict) const {
    return number(steps_, key_of(context, step_index(token_class, predict)));
  }
  std::uint32_t target(std::uint32_t branch, std::uint32_t index) const {
    return number(targets_, key_of(branch, index));
  }
  // What is made before this block, on the shortest way from a context that no block leaves: a block, or
  // kStart or kNothing.
  std::uint32_t before(std::uint32_t block) const {
    const std::uint32_t parent = recipes_[block].parent;
    return recipes_[block].branch != 0 || is_first(parent) ? parent : ways_[parent].last;
  }
  std::uint32_t size() const { return size_; }
  const Recipe& operator[](std::uint32_t block) const { return recipes_[block]; }

 private:
  using Numbers = std::unordered_map<std::uint64_t, std::uint32_t>;

  static std::uint64_t key_of(std::uint32_t parent, std::uint32_t index) {
    return std::uint64_t{parent} << 32 | index;
  }
  static std::uint32_t number(const Numbers& numbers, std::uint64_t key) {
    const auto found = numbers.find(key);
    return found == numbers.end() ? kUnknown : found->second;
  }

  static bool is_first(std::uint32_t context) { return context == kStart || context == kNothing; }

  // Blocks are in the order in which traces needed them, so that the one that first left a context can be far
  // from the start, and a later one near it.
  void find_ways() {
    ways_.resize(size_);
    const auto length = [this](std::uint32_t block) { return ways_[block].length; };
    for (bool shorter = true; shorter;) {
      shorter = false;
      for (std::uint32_t block = 0; block < size_; ++block) {
        const Recipe& recipe = recipes_[block];
        const std::uint32_t parent = before(block);
        const std::uint32_t way = is_first(parent) ? 1 : parent == kUnknown ? kFar : length(parent) + 1;
        if (way < length(block)) ways_[block].length = way, shorter = true;
        if (is_first(recipe.after)) continue;
        std::uint32_t& last = ways_[recipe.after].last;
        if (last == kUnknown || length(block) < length(last)) last = block, shorter = true;
      }
    }
  }
  static constexpr std::uint32_t kFar = UINT32_MAX / 2;

  const Recipe* recipes_;
  std::uint32_t size_;
  struct Way {
    std::uint32_t length = kFar;    // blocks up to this one
    std::uint32_t last = kUnknown;  // as a context: the block that leads to it
  };
  std::vector<Way> ways_;
  Numbers steps_, targets_, contexts_;
};

}  // namespace tvm::kernel
