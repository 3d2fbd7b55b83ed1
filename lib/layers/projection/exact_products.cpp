#include "layers/projection/exact_products.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

namespace tvm {
namespace {

constexpr double kExact = 0x1p53;

// The least power of two that makes every weight an integer; infinite if it is beyond 2^30.
double unit(const Row& row) {
  for (double scale = 1.0; scale <= 0x1p30; scale *= 2.0)
    if (std::all_of(row.begin(), row.end(), [scale](double w) { return w * scale == std::rint(w * scale); }))
      return scale;
  return HUGE_VAL;
}

// Whether all are integers: in a way that vectors can do, then, beyond 2^51, one by one.
bool whole(const double* x, std::size_t count) {
  constexpr double kShift = 0x1.8p52;  // leaves no bits below 1
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < count; ++i) others |= (x[i] + kShift) - kShift != x[i];
  return others == 0 || std::all_of(x, x + count, [](double n) { return n == std::nearbyint(n); });
}

// All of them, in their order.
SparseMatrix matrix(const Rows& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  return {rows, order, std::vector<std::int32_t>(rows.size())};
}

// Rounded sums: below 2^53 they are exact, and what is beyond stays beyond.
bool below(const SparseMatrix& rows, const double* x, std::size_t lanes) {
  const SparseRows m = rows.view();
  if (lanes != 1) return kernels().sparse_below(m, x, kExact);
  for (std::size_t row = 0; row < m.rows; ++row) {
    double positive = 0.0, negative = 0.0;
    for (std::int32_t i = m.starts[row]; i < m.starts[row + 1]; ++i) {
      const double term = m.weights[i] * x[m.columns[i]];
      const double larger = term > 0.0 ? term : 0.0;
      positive += larger;
      negative += larger - term;
    }
    if (!(positive < kExact && negative < kExact)) return false;
  }
  return true;
}

}  // namespace

ExactProducts::ExactProducts(const Rows& rows, std::size_t columns, Of of)
    : of_(of), light_(matrix({})), heavy_(light_), inverses_(columns, 0.0), limits_(light_) {
  constexpr double kHeavy = 0x1p40;  // leaves residual slots of a light row 2^13 and more
  Rows light, heavy;
  std::vector<bool> read(columns, false);
  for (Row row : rows) {
    const auto terms = columns - static_cast<std::size_t>(std::count(row.begin(), row.end(), 0.0));
    if (terms < (of == Of::kAny ? 2 : 1)) continue;
    const double scale = unit(row);
    if (of == Of::kIntegers && scale != 1.0) continue;
    double size = 0.0;
    for (double& w : row) size += std::abs(w *= scale);
    const bool is_light = size < kHeavy;
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i] == 0.0) continue;
      read[i] = true;
      if (is_light)
        inverses_[i] = std::max(inverses_[i], static_cast<double>(terms) * std::abs(row[i]) / kExact);
    }
    (is_light ? light : heavy).push_back(std::move(row));
  }
  for (std::size_t i = 0; i < columns; ++i)
    if (read[i]) read_.push_back(i);
  light_ = matrix(light), heavy_ = matrix(heavy);
  limits_ = matrix({inverses_});
}

bool ExactProducts::hold(const double* x, std::size_t lanes) const {
  if (of_ == Of::kAny && !integers(x, lanes)) return false;
  // By far most positions need no more than the limits.
  return below(heavy_, x, lanes) && (within(x, lanes) || below(light_, x, lanes));
}

bool ExactProducts::integers(const double* x, std::size_t lanes) const {
  const auto is_whole = [&](std::size_t column) { return whole(x + column * lanes, lanes); };
  return std::all_of(read_.begin(), read_.end(), is_whole);
}

bool ExactProducts::within(const double* x, std::size_t lanes) const {
  if (lanes != 1) return kernels().sparse_within(limits_.view(), x);
  // All columns, so that vectors can do it.
  std::uint64_t beyond = 0;
  for (std::size_t i = 0; i < inverses_.size(); ++i) beyond |= !(std::abs(x[i]) * inverses_[i] <= 1.0);
  return beyond == 0;
}

}  // namespace tvm
