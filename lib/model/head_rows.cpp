#include "model/head_rows.hpp"

#include <algorithm>
#include <cmath>

namespace tvm {
namespace {

// Coefficients from here on are "BIG" (1e30 in constructed models): no score of exact integers
// reaches it, so a difference in `clear` decides before anything else.
constexpr double kBig = 1e25;
constexpr double kQueryScale = 17179869184.0;          // 2^34
constexpr double kOldQueryScale = 14142135623.730951;  // 1e10 * sqrt(2)
// Of w, a rounded product, and of the division.
constexpr double kRounding = 0x1p-51;

// The integer that w / scale is up to a rounding; NaN if it is none.
double multiple(double w, double scale, double rounding) {
  const double ratio = w / scale;
  const double whole = std::rint(ratio);
  return std::abs(ratio - whole) <= std::abs(whole) * rounding && std::abs(whole) < 0x1p40 ? whole
                                                                                           : std::nan("");
}

bool divide(HeadRows& rows, double scale, double rounding) {
  std::vector<double> q0 = rows.q0, q1 = rows.q1;
  for (auto* row : {&q0, &q1})
    for (double& w : *row)
      if (std::isnan(w = multiple(w, scale, rounding))) return false;
  rows.q0 = std::move(q0);
  rows.q1 = std::move(q1);
  return true;
}

void unscale_query(HeadRows& rows) {
  double least = 0.0;
  for (const auto* row : {&rows.q0, &rows.q1})
    for (const double w : *row)
      if (w != 0.0 && (least == 0.0 || std::abs(w) < least)) least = std::abs(w);
  if (least == 0.0) return;
  // Nothing is rounded by a power of two: what it does not divide exactly has another scale.
  if (divide(rows, kQueryScale, 0.0) || divide(rows, kOldQueryScale, kRounding)) return;
  divide(rows, least, kRounding);
}

// Moves BIG coefficients of k1 to `clear` if all are integer multiples of one.
void split_clear(HeadRows& rows) {
  double big = 0.0;
  for (const double w : rows.k1)
    if (std::abs(w) >= kBig && (big == 0.0 || std::abs(w) < big)) big = std::abs(w);
  if (big == 0.0) return;
  std::vector<double> clear(rows.k1.size(), 0.0);
  for (std::size_t i = 0; i < clear.size(); ++i)
    if (std::abs(rows.k1[i]) >= kBig && std::isnan(clear[i] = multiple(-rows.k1[i], big, kRounding))) return;
  for (std::size_t i = 0; i < clear.size(); ++i)
    if (clear[i] != 0.0) rows.k1[i] = 0.0;
  rows.clear = std::move(clear);
}

}  // namespace

std::vector<double> row_of(Matrix matrix, std::size_t row, std::size_t columns) {
  const auto begin = matrix.begin() + static_cast<std::ptrdiff_t>(row * columns);
  return {begin, begin + static_cast<std::ptrdiff_t>(columns)};
}

std::vector<InputSlots> input_slots(const Model& model) {
  const auto width = static_cast<std::size_t>(model.width);
  InputSlots now;
  now.unwritten.assign(width, true);
  const auto pure = [&](std::size_t slot) {
    for (std::size_t id = 0; id < model.tokens.size(); ++id)
      if (model.embedding[id * width + slot] != 0.0) return false;
    return true;
  };
  const bool is_pure[] = {pure(kPosition), pure(kRecency), pure(kPositionSquared)};
  std::vector<InputSlots> all;
  for (const Layer& layer : model.layers) {
    now.position = is_pure[kPosition] && now.unwritten[kPosition];
    now.recency = is_pure[kRecency] && now.unwritten[kRecency];
    now.squared = is_pure[kPositionSquared] && now.unwritten[kPositionSquared];
    all.push_back(now);
    const auto written = [&](Matrix matrix, std::size_t columns) {
      for (std::size_t i = 0; i < matrix.size(); ++i)
        if (matrix[i] != 0.0) now.unwritten[i / columns] = false;
    };
    written(layer.out, width);
    written(layer.ffn, static_cast<std::size_t>(model.neurons));
    for (const auto slot : layer.attention_erase) now.unwritten[static_cast<std::size_t>(slot)] = false;
    for (const auto slot : layer.ffn_erase) now.unwritten[static_cast<std::size_t>(slot)] = false;
  }
  return all;
}

Range embedded_range(const Model& model, const InputSlots& inputs, const std::vector<double>& row) {
  const std::size_t width = row.size();
  std::vector<std::size_t> slots;
  for (std::size_t slot = 0; slot < width; ++slot) {
    if (row[slot] == 0.0) continue;
    if (slot <= kPositionSquared || !inputs.unwritten[slot]) return {};
    slots.push_back(slot);
  }
  Range range{true, HUGE_VAL, -HUGE_VAL};
  for (std::size_t id = 0; id < model.tokens.size(); ++id) {
    double value = 0.0;
    for (const std::size_t slot : slots) value += row[slot] * model.embedding[id * width + slot];
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  return range;
}

HeadRows head_rows(const Model& model, std::size_t layer, std::size_t head, const InputSlots& inputs) {
  const auto width = static_cast<std::size_t>(model.width);
  const Matrix qkv = model.layers[layer].qkv;
  HeadRows rows;
  rows.q0 = row_of(qkv, 2 * head, width);
  rows.q1 = row_of(qkv, 2 * head + 1, width);
  rows.k0 = row_of(qkv, width + 2 * head, width);
  rows.k1 = row_of(qkv, width + 2 * head + 1, width);
  unscale_query(rows);
  if (inputs.recency) {
    rows.recency = rows.k1[kRecency];
    rows.k1[kRecency] = 0.0;
  }
  const Range range = embedded_range(model, inputs, rows.q1);
  rows.query1_nonnegative = range.known && range.low >= 0.0;
  // Which way `clear` works depends on the sign of the query.
  if (rows.query1_nonnegative) split_clear(rows);
  return rows;
}

}  // namespace tvm
