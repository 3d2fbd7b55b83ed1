#include "layers/attention/finder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "base/error.hpp"

namespace tvm {
namespace {

class Scan final : public Finder {
 public:
  explicit Scan(bool latest) : latest_(latest) {}

  void insert(const Key& key, double clear, double v0, double v1) override {
    keys_.push_back(exact_key(key));
    clear_.push_back(clear);
    if (!latest_) values_.push_back({v0, v1});
  }

  Found find(double q0, double q1) const override {
    Found found;
    std::size_t best = 0;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      int better = i == 0 ? 1 : 0;
      if (better == 0 && q1 > 0.0 && clear_[i] != clear_[best])
        better = clear_[i] < clear_[best] ? 1 : -1;
      else if (better == 0)
        better = compare_scores(q0, q1, keys_[i], keys_[best]);
      if (better < 0) continue;
      if (better > 0) {
        best = i;
        found.sums = {};
      }
      found.newest = i;
      if (!latest_) found.sums.add(values_[i].first, values_[i].second);
    }
    return found;
  }

 private:
  bool latest_;
  std::vector<Key> keys_;
  std::vector<double> clear_;
  std::vector<std::pair<double, double>> values_;  // AVERAGE
};

// A float64 of any size; no integer type holds all that are integers.
std::string text_of_double(double n) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", n);
  return text;
}

Key mirrored(const Key& key) { return {key.x, -key.y, -key.recency}; }

}  // namespace

Key exact_key(const Key& key) {
  constexpr std::uint64_t kRounded = 94906265;  // the largest k whose square is below 2^53
  static_assert(kRounded * kRounded < (1ull << 53) && (kRounded + 1) * (kRounded + 1) > (1ull << 53));
  const double k = key.x / 2;
  if (!(std::abs(k) > static_cast<double>(kRounded)) || k != std::rint(k)) return key;
  const double square = k * k;
  if (std::abs(key.y + square) > 0x1p-49 * square) return key;
  if (std::abs(k) > 0x1p34)
    throw Error(Status::kLimit,
                sentence("the integer key ", text_of_double(k),
                         " is beyond 2^34, where scores are no longer exact: use bypass all, or path plan"));
  return {key.x, -square, key.recency - std::fma(k, k, -square)};
}

void HullFinder::extend(const Key& key, std::uint64_t position, const Sums& value) {
  if (!any_ || key.x < leftmost_.x)
    leftmost_ = {key.x, position, value};
  else if (key.x == leftmost_.x)
    leftmost_.newest = std::max(leftmost_.newest, position), leftmost_.sums.add(value);
  if (!any_ || key.x > rightmost_.x)
    rightmost_ = {key.x, position, value};
  else if (key.x == rightmost_.x)
    rightmost_.newest = std::max(rightmost_.newest, position), rightmost_.sums.add(value);
  any_ = true;
}

void HullFinder::insert(const Key& key, double clear, double v0, double v1) {
  if (latest_) {
    insert_at(key, clear, size_);
  } else {
    const Key exact = exact_key(key);
    Sums value;
    value.add(v0, v1);
    if (!any_ || clear < least_clear_) {
      upper_.clear(), lower_.clear();
      upper_sums_.clear(), lower_sums_.clear();
      least_clear_ = clear;
    }
    extend(key, size_, value);
    all_.add(value);
    if (clear == least_clear_) {
      const auto add = [&value](UpperHull& hull, std::vector<Sums>& sums, const Key& at) {
        // The id of a vertex is the index of its sums; ids of removed vertices are not reused.
        const std::size_t id = sums.size();
        sums.push_back(value);
        hull.insert(at, id, [&](std::uint64_t old) {
          sums.pop_back();
          sums[old].add(value);
          return old;
        });
      };
      add(upper_, upper_sums_, exact);
      if (needs_lower_) add(lower_, lower_sums_, mirrored(exact));
    }
  }
  ++size_;
}

void HullFinder::insert_at(const Key& key, double clear, std::uint64_t position) {
  const Key exact = exact_key(key);
  if (!any_ || clear < least_clear_) {
    upper_.clear(), lower_.clear();
    least_clear_ = clear;
  }
  extend(key, position, {});
  if (clear != least_clear_) return;
  const auto newest = [position](std::uint64_t old) { return std::max(old, position); };
  upper_.insert(exact, position, newest);
  if (needs_lower_) lower_.insert(mirrored(exact), position, newest);
}

Found HullFinder::find(double q0, double q1) const {
  Found found;
  if (q1 == 0.0) {
    if (q0 == 0.0) return {size_ - 1, all_};
    const Extreme& extreme = q0 > 0.0 ? rightmost_ : leftmost_;
    return {extreme.newest, extreme.sums};
  }
  const auto& hull = q1 > 0.0 ? upper_ : lower_;
  const auto& sums = q1 > 0.0 ? upper_sums_ : lower_sums_;
  int tied = 0;
  hull.best(q0, std::abs(q1), [&](std::uint64_t id) {
    if (latest_)
      found.newest = std::max(found.newest, id);
    else
      found.sums.add(sums[id]), ++tied;
  });
  if (tied > 1 && !found.sums.exact && order_ != nullptr) order_->matters();
  return found;
}

std::unique_ptr<Finder> make_scan(bool latest) { return std::make_unique<Scan>(latest); }

std::unique_ptr<Finder> make_hull(bool latest, bool needs_lower, SumOrder* order) {
  return std::make_unique<HullFinder>(latest, needs_lower, order);
}

}  // namespace tvm
