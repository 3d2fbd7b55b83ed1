// How a run finds the blocks of a kernel: by context and token, by branch and target; and the shortest way to
// one, of which every block is made.
#include <vector>

#include "check.hpp"
#include "kernel/recipe_book.hpp"

namespace {

using tvm::kernel::kNothing;
using tvm::kernel::kStart;
using tvm::kernel::kUnknown;
using tvm::kernel::Recipe;
using tvm::kernel::RecipeBook;
using tvm::kernel::step_index;

// From a context with a token of this class, predicting; `after` is the context behind it.
Recipe step(std::uint32_t from, std::uint32_t token_class, std::uint32_t after, std::uint64_t known) {
  return {from, step_index(token_class, true), 0, after, 0, known};
}
Recipe target(std::uint32_t branch, std::uint32_t index, std::uint32_t after, std::uint64_t known) {
  return {branch, index, 1, after, 0, known};
}

// A trace went 0, 1, branch 2 with target 3, 4; later another one from the start to the context behind 3.
const std::vector<Recipe> kRecipes = {
    step(kStart, 5, 0, 100), step(0, 6, 1, 101), {1, step_index(7, true), 0, kStart, 0, 0},
    target(2, 9, 3, 103),    step(3, 6, 4, 104), step(kStart, 8, 3, 103),
    step(4, 5, 0, 100),
};

void are_found() {
  const RecipeBook book(kRecipes.data(), static_cast<std::uint32_t>(kRecipes.size()));
  CHECK(book.size() == kRecipes.size());
  CHECK(book.step(kStart, 5, true) == 0 && book.step(0, 6, true) == 1 && book.step(kStart, 8, true) == 5);
  CHECK(book.step(kStart, 5, false) == kUnknown && book.step(kNothing, 5, true) == kUnknown);
  CHECK(book.target(2, 9) == 3 && book.target(2, 8) == kUnknown && book.step(2, 9, true) == kUnknown);
  CHECK(book.context(103) == 3 && book.context(100) == 0 && book.context(7) == kUnknown);
}

std::vector<std::uint32_t> way_to(const RecipeBook& book, std::uint32_t block) {
  std::vector<std::uint32_t> way;
  for (; block != kStart && block != kNothing; block = book.before(block)) way.insert(way.begin(), block);
  return way;
}

void the_shortest_way_is_taken() {
  const RecipeBook book(kRecipes.data(), static_cast<std::uint32_t>(kRecipes.size()));
  using Way = std::vector<std::uint32_t>;
  CHECK(way_to(book, 0) == Way{0});
  CHECK(way_to(book, 3) == (Way{0, 1, 2, 3}));  // this block has no other way: it is a target of that branch
  CHECK(way_to(book, 4) == (Way{5, 4}));        // and not 0, 1, 2, 3, 4
  CHECK(way_to(book, 6) == (Way{5, 4, 6}));
}

// Contexts that blocks lead to in circles: the way to each ends all the same.
void circles_end() {
  const std::vector<Recipe> circle = {step(kNothing, 1, 0, 1), step(0, 1, 1, 2), step(1, 1, 0, 1)};
  const RecipeBook book(circle.data(), static_cast<std::uint32_t>(circle.size()));
  CHECK(way_to(book, 2) == (std::vector<std::uint32_t>{0, 1, 2}));
}

}  // namespace

int main() {
  are_found();
  the_shortest_way_is_taken();
  circles_end();
}
