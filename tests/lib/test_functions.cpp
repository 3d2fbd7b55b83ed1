// Which blocks of a kernel share a function: those that follow one other, down to some depth, and a branch
// and its targets at any.
#include <map>

#include "check.hpp"
#include "plan/kernel/functions.hpp"

namespace {

using tvm::plan::Following;
using tvm::plan::Functions;
using Blocks = std::map<std::uint32_t, Following>;

Following step(std::uint32_t next) { return {.blocks = {next}}; }
Following branch(std::uint32_t target) { return {.blocks = {target}, .branches = true}; }

void what_follows_one_alone_is_inside() {
  Blocks blocks{{0, {.blocks = {1, 2}}}, {1, step(3)}, {2, step(3)}, {3, {}}};
  const Functions functions(blocks);
  CHECK(functions.firsts() == (std::vector<std::uint32_t>{0, 3}));
  CHECK(functions.is_first(0) && !functions.is_first(1) && !functions.is_first(2) && functions.is_first(3));
}

// A branch, its target, a step, and so on.
void targets_stay_with_their_branch() {
  constexpr std::uint32_t kCount = 301;
  Blocks blocks{{kCount, {}}};
  for (std::uint32_t i = 0; i < kCount; ++i) blocks[i] = i % 3 == 0 ? branch(i + 1) : step(i + 1);
  const Functions functions(blocks);
  CHECK(functions.firsts().size() > 5);
  for (const std::uint32_t first : functions.firsts()) CHECK(first % 3 != 1);
}

}  // namespace

int main() {
  what_follows_one_alone_is_inside();
  targets_stay_with_their_branch();
}
