#include "layers/attention/key_table.hpp"

#include <cmath>

#include "model/model.hpp"

namespace tvm {

KeyTable::Slot& KeyTable::slot(std::int64_t key) {
  std::size_t at = (static_cast<std::uint64_t>(key) * 0x9E3779B97F4A7C15u) >> 20;
  while (slots_[at &= slots_.size() - 1].newest != kNone && slots_[at].key != key) ++at;
  return slots_[at];
}

void KeyTable::reset() {
  slots_.assign(kLeast, {});
  keys_.clear();
}

void KeyTable::put(std::int64_t key) {
  Slot& found = slot(key);
  if (found.newest != kNone) {
    found.newest = size_;
    return;
  }
  found = {key, size_};
  keys_.insert(key);
  if (2 * keys_.size() <= slots_.size()) return;
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  for (const Slot& entry : old)
    if (entry.newest != kNone) slot(entry.key) = entry;
}

Key KeyTable::key_of(std::int64_t k, std::uint64_t position) const {
  const double number = static_cast<double>(k);
  return {2 * number, -(number * number), share_ * recency(position)};
}

void KeyTable::become_hull() {
  hull_ = std::make_unique<HullFinder>(true, false);
  for (const std::int64_t k : keys_) {
    const std::uint64_t position = slot(k).newest;
    hull_->insert_at(key_of(k, position), 0.0, position);
  }
  reset();
}

void KeyTable::insert(const Key& key, double clear, double, double) {
  if (size_ == 0 || clear < least_clear_) {  // what came before can no longer win
    reset();
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
      put(static_cast<std::int64_t>(k));
  }
  ++size_;
}

Found KeyTable::find(double q0, double q1) const {
  if (q1 == 0.0) return {q0 > 0.0 ? rightmost_.newest : q0 < 0.0 ? leftmost_.newest : size_ - 1, {}};
  if (hull_) return hull_->find(q0, q1);
  if (q1 == 1.0 && q0 == std::rint(q0) && std::abs(q0) < 0x1p53) {
    const Slot& exact = slot(static_cast<std::int64_t>(q0));
    if (exact.newest != kNone) return {exact.newest, {}};
  }
  return {nearest(q0, q1), {}};
}

std::uint64_t KeyTable::nearest(double q0, double q1) const {
  const double q = q0 / q1;
  const bool integer = q1 == 1.0 && q0 == std::rint(q0) && std::abs(q0) < 0x1p53;
  const auto after = keys_.lower_bound(q >= 0x1p53    ? std::int64_t{1} << 53
                                       : q <= -0x1p53 ? -(std::int64_t{1} << 53)
                                                      : static_cast<std::int64_t>(std::floor(q)));
  std::uint64_t best = kNone;
  std::int64_t best_key = 0;
  const auto consider = [&](std::int64_t k) {
    const std::uint64_t newest = slot(k).newest;
    int better = 1;
    if (best != kNone && integer) {
      // Distances of integers; recency, less than a step, decides among equals.
      const auto whole = static_cast<std::int64_t>(q0);
      const std::int64_t far = std::abs(whole - k), best_far = std::abs(whole - best_key);
      better = far < best_far || (far == best_far && newest > best) ? 1 : -1;
    } else if (best != kNone) {
      better = compare_scores(q0, q1, key_of(k, newest), key_of(best_key, best));
      if (better == 0) better = newest > best ? 1 : -1;
    }
    if (better > 0) best = newest, best_key = k;
  };
  // One key below the query and, as the quotient is rounded, two from it upwards.
  if (after != keys_.begin()) consider(*std::prev(after));
  auto upward = after;
  for (int i = 0; i < 3 && upward != keys_.end(); ++i) consider(*upward++);
  return best;
}

}  // namespace tvm
