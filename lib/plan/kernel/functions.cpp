#include "plan/kernel/functions.hpp"

#include <set>

namespace tvm::plan {
namespace {

// Compilers bear only so many nested scopes. Targets are never cut off from their branch: a function begins
// where a position does, so that a run can end before it.
constexpr std::size_t kDeepest = 40;

}  // namespace

Functions::Functions(const std::map<std::uint32_t, Following>& blocks) {
  if (blocks.empty()) return;
  std::map<std::uint32_t, std::size_t> before;  // blocks that it follows
  for (const auto& [number, next] : blocks)
    for (const std::uint32_t one : next.blocks) ++before[one];
  inside_.assign(blocks.rbegin()->first + 1, false);
  std::set<std::uint32_t> placed;
  const auto place = [&](std::uint32_t first) {
    if (!placed.insert(first).second) return;
    firsts_.push_back(first);
    std::vector<std::pair<std::uint32_t, std::size_t>> rest{{first, 1}};
    while (!rest.empty()) {
      const auto [number, depth] = rest.back();
      rest.pop_back();
      const Following& next = blocks.at(number);
      for (const std::uint32_t one : next.blocks) {
        if (before[one] != 1 || (depth >= kDeepest && !next.branches) || !placed.insert(one).second) continue;
        inside_[one] = true;
        rest.emplace_back(one, depth + 1);
      }
    }
  };
  for (const auto& [number, next] : blocks)
    if (before[number] != 1) place(number);
  // What is too deep in another, or in a loop that nothing but itself leads to.
  for (const auto& [number, next] : blocks) place(number);
}

}  // namespace tvm::plan
