#include "layers/attention/key_table.hpp"

#include <cmath>

#include "model/model.hpp"

namespace tvm {

Key KeyTable::key_of(std::int64_t k, std::uint64_t position) const {
  const double number = static_cast<double>(k);
  return {2 * number, -(number * number), share_ * recency(position)};
}

void KeyTable::become_hull() {
  hull_ = std::make_unique<HullFinder>(true, false);
  for (auto k = newest_.at_or_above(INT64_MIN); k; k = newest_.at_or_above(*k + 1)) {
    const auto position = static_cast<std::uint64_t>(newest_.written(*k));
    hull_->insert_at(key_of(*k, position), 0.0, position);
  }
  newest_ = KeyMap(0);
}

void KeyTable::insert(const Key& key, double clear, double, double) {
  if (size_ == 0 || clear < least_clear_) {  // what came before can no longer win
    newest_ = KeyMap(0);
    hull_.reset();
    least_clear_ = clear;
  }
  if (leftmost_.newest == kNone || key.x <= leftmost_.x) leftmost_ = {key.x, size_};
  if (rightmost_.newest == kNone || key.x >= rightmost_.x) rightmost_ = {key.x, size_};
  if (clear == least_clear_) {
    const double k = key.x / 2;
    const bool integer = k == std::rint(k) && std::abs(k) < 0x1p53;
    const double rounding = k * k < 0x1p53 ? 0.0 : 0x1p-49 * (k * k);
    if (!hull_ && (!integer || std::abs(key.y + k * k) > rounding)) become_hull();
    if (hull_)
      hull_->insert_at(key, 0.0, size_);
    else
      newest_.write(newest_.place(static_cast<std::int64_t>(k)), static_cast<std::int64_t>(size_));
  }
  ++size_;
}

Found KeyTable::find(double q0, double q1) const {
  if (q1 == 0.0) return {q0 > 0.0 ? rightmost_.newest : q0 < 0.0 ? leftmost_.newest : size_ - 1, {}};
  if (hull_) return hull_->find(q0, q1);
  if (q1 == 1.0 && q0 == std::rint(q0) && std::abs(q0) < 0x1p53) {
    const std::size_t record = newest_.nearest(static_cast<std::int64_t>(q0));
    return {static_cast<std::uint64_t>(newest_.row(record)[-1]), {}};
  }
  return {nearest(q0, q1), {}};
}

std::uint64_t KeyTable::nearest(double q0, double q1) const {
  const double q = q0 / q1;
  const std::int64_t whole = q >= 0x1p53    ? std::int64_t{1} << 53
                             : q <= -0x1p53 ? -(std::int64_t{1} << 53)
                                            : static_cast<std::int64_t>(std::floor(q));
  std::uint64_t best = kNone;
  std::int64_t best_key = 0;
  const auto consider = [&](std::int64_t k) {
    const auto newest = static_cast<std::uint64_t>(newest_.written(k));
    int better = best == kNone ? 1 : compare_scores(q0, q1, key_of(k, newest), key_of(best_key, best));
    if (better == 0) better = newest > best ? 1 : -1;
    if (better > 0) best = newest, best_key = k;
  };
  // One key below the query and, as the quotient is rounded, two from it upwards.
  if (const auto below = newest_.below(whole)) consider(*below);
  auto upward = newest_.at_or_above(whole);
  for (int i = 0; i < 3 && upward; ++i, upward = newest_.at_or_above(*upward + 1)) consider(*upward);
  return best;
}

}  // namespace tvm
