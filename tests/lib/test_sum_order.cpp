// ExactProducts says yes only where every order of summation gives the same bits, and says yes for what
// constructed models compute; sums of tied values are watched the same way.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"
#include "layers/attention/finder.hpp"
#include "layers/projection/exact_products.hpp"

namespace {

std::mt19937_64 random_source(5);
double integer(double size) {
  return std::rint(std::uniform_real_distribution<double>(-size, size)(random_source));
}

using Rows = std::vector<std::vector<double>>;

// As one position, and as one lane of a tile whose others are zero.
bool holds(const Rows& rows, const std::vector<double>& x, std::size_t lane = 0) {
  const tvm::ExactProducts products(rows, rows[0].size());
  std::vector<double> tile(x.size() * tvm::kLanes, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) tile[i * tvm::kLanes + lane] = x[i];
  const bool one = products.hold(x.data(), 1);
  CHECK(one == products.hold(tile.data(), tvm::kLanes));
  return one;
}

// Sums the row in every order of up to 6 terms.
bool same_in_any_order(const std::vector<double>& row, const std::vector<double>& x) {
  std::vector<std::size_t> order(row.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  double first = 0.0;
  bool any = false;
  do {
    double sum = 0.0;
    for (const std::size_t i : order) sum += row[i] * x[i];
    if (any && sum != first) return false;
    first = sum, any = true;
  } while (std::next_permutation(order.begin(), order.end()));
  return true;
}

void yes_is_a_promise() {
  int yes = 0, no = 0, really_no = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<double> row(5), x(5);
    const double size = std::ldexp(1.0, round % 60);
    for (auto& w : row) w = integer(size);
    for (auto& v : x) v = round % 7 == 0 ? integer(9) / 3 : integer(20);
    const bool told = holds({row}, x), same = same_in_any_order(row, x);
    CHECK(!told || same);
    ++(told ? yes : no);
    really_no += !same;
  }
  CHECK(yes > 1000 && no > 100 && really_no > 100);
}

void cases() {
  CHECK(holds({{0.3, 0, 0}}, {0.7, 0.1, 0.1}));  // one term
  CHECK(!holds({{0.3, 1, 0}}, {0.7, 1, 0}));     // 0.3 is no fraction of a power of two
  CHECK(holds({{0.25, 1, 0}}, {3, 1, 0.1}));     // 0.25 is; the last is not read
  CHECK(!holds({{1, 1, 0}}, {0.5, 1, 0}));
  CHECK(holds({{0x1p52, 1, -0x1p52}}, {1, 77, 1}));  // huge terms of both signs
  CHECK(!holds({{0x1p52, 1, 0x1p52}}, {1, 77, 1}));  // 2^53 + 77 would be rounded
  CHECK(holds({{0x1p52, 1, 0x1p52}}, {1, 77, -1}));
  CHECK(holds({{1, 1, 1}}, {0x1p51 + 1, 5, -0x1p51 - 3}));
  CHECK(!holds({{1, 1, 1}}, {0x1p53, 5, 0}));
  CHECK(!holds({{1, 1, 1}}, {NAN, 5, 0}) && !holds({{0x1p45, 1, 1}}, {INFINITY, 5, 0}));
  CHECK(holds({{1, 1}}, {1, 2}, 63) && !holds({{1, 1}}, {1, 2.5}, 63));
}

// Keys of equal score on an edge of the hull: integers add up the same in any order, others may not.
void tied_values() {
  for (const bool fractions : {false, true}) {
    tvm::SumOrder order;
    const auto hull = tvm::make_hull(false, true, &order);
    for (int i = 0; i < 4; ++i)
      hull->insert({static_cast<double>(i), 1.0, 0.0}, 0.0, fractions ? i / 3.0 : i, 0.0);
    hull->find(1.0, 0.0);
    CHECK(!order.mattered());  // one key wins
    CHECK(hull->find(0.0, 1.0).sums.count == 4);
    CHECK(order.mattered() == fractions);
  }
}

}  // namespace

int main() {
  yes_is_a_promise();
  cases();
  tied_values();
}
