#include "layers/projection/sum_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>

#include "layers/kernels/kernels.hpp"

namespace tvm {
namespace {

constexpr double kExact = 0x1p53;

// The least power of two that makes every weight an integer; infinite if it is beyond 2^30.
double unit(const std::vector<double>& row) {
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

}  // namespace

ExactProducts::ExactProducts(const std::vector<std::vector<double>>& rows, std::size_t columns, Of of)
    : of_(of) {
  constexpr double kHeavy = 0x1p40;  // leaves residual slots of a light row 2^13 and more
  std::map<std::size_t, double> limits;
  for (const auto& row : rows) {
    const auto terms = columns - static_cast<std::size_t>(std::count(row.begin(), row.end(), 0.0));
    if (terms < (of == Of::kAny ? 2 : 1)) continue;
    const double scale = unit(row);
    if (of == Of::kIntegers && scale != 1.0) continue;
    double size = 0.0;
    for (const double w : row) size += std::abs(w);
    Rows& kept = size * scale < kHeavy ? light_ : heavy_;
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i] == 0.0) continue;
      kept.columns.push_back(i);
      kept.weights.push_back(row[i] * scale);
      double& limit = limits.try_emplace(i, HUGE_VAL).first->second;
      if (&kept == &light_)
        limit = std::min(limit, kExact / (static_cast<double>(terms) * std::abs(row[i]) * scale));
    }
    kept.starts.push_back(kept.columns.size());
  }
  for (const auto& [index, limit] : limits) columns_.push_back({index, 1.0 / limit});
}

bool ExactProducts::hold(const double* x, std::size_t lanes) const {
  // By far most positions need no more than this: written so that vectors can do it.
  double largest[kLanes];
  std::fill_n(largest, lanes, 0.0);
  for (const Column& column : columns_) {
    const double *at = x + column.index * lanes, inverse = column.inverse;
    if (of_ == Of::kAny && !whole(at, lanes)) return false;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double size = std::abs(at[lane]) * inverse;
      largest[lane] = size > largest[lane] ? size : largest[lane];
    }
  }
  const bool within = std::all_of(largest, largest + lanes, [](double size) { return size <= 1.0; });
  return heavy_.hold(x, lanes) && (within || light_.hold(x, lanes));
}

bool ExactProducts::Rows::hold(const double* x, std::size_t lanes) const {
  double positive[kLanes], negative[kLanes];  // sums of the terms of either sign
  for (std::size_t row = 0; row + 1 < starts.size(); ++row) {
    std::fill_n(positive, lanes, 0.0);
    std::fill_n(negative, lanes, 0.0);
    for (std::size_t i = starts[row]; i < starts[row + 1]; ++i) {
      const double *at = x + columns[i] * lanes, weight = weights[i];
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double term = weight * at[lane];
        const double larger = term > 0.0 ? term : 0.0;
        positive[lane] += larger;
        negative[lane] += larger - term;
      }
    }
    // They are rounded themselves: below 2^53 they are exact, and what is beyond stays beyond.
    std::uint64_t beyond = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane)
      beyond |= !(positive[lane] < kExact) | !(negative[lane] < kExact);
    if (beyond != 0) return false;
  }
  return true;
}

}  // namespace tvm
