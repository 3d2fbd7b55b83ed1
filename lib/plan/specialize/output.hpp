// The output head: the argmax over all rows, as an exact function of a few integers.
//
// Enters: the features of a position.  Leaves: the token of the largest score, the lowest index on
// a tie. Scores are computed in float64 where every integer on the way is exact in it, else with
// integers of 64 or 128 bits; results are remembered by features, of which a machine has few
// distinct ones, from one run to the next.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

class Output {
 public:
  explicit Output(const Network& network) : net_(network), width_(network.features.size()) { prepare(); }

  // -1 where a score may leave 128 bits.
  std::int32_t token(std::span<const std::int64_t> features) {
    std::uint64_t hash = 0;
    for (const auto feature : features)
      hash = (hash ^ static_cast<std::uint64_t>(feature)) * 0x9E3779B97F4A7C15u;
    const std::size_t entry = static_cast<std::size_t>(hash >> (64 - kBits));
    std::int64_t* key = keys_.data() + entry * width_;
    bool same = tokens_[entry] >= 0;
    for (std::size_t f = 0; f < width_; ++f) same &= key[f] == features[f];
    if (same) return tokens_[entry];
    for (std::size_t f = 0; f < width_; ++f) key[f] = features[f];
    return tokens_[entry] = argmax(features);
  }

 private:
  static constexpr int kBits = 13;
  static constexpr std::size_t kEntries = std::size_t{1} << kBits;

  void prepare() {
    for (const auto& weights : net_.weights) {
      largest_.push_back(largest(weights));
      rows_.emplace_back(weights.begin(), weights.end());
    }
    largest_.push_back(largest(net_.bias));
    rows_.emplace_back(net_.bias.begin(), net_.bias.end());
    keys_.resize(kEntries * width_);
    tokens_.resize(kEntries, -1);
  }

  // By the largest score that the features could have; -1 where 128 bits may not do.
  std::int32_t argmax(std::span<const std::int64_t> features) {
    Wide reach = largest_[width_];
    for (std::size_t f = 0; f < width_; ++f) {
      const Wide part = largest_[f] * (features[f] < 0 ? -Wide{features[f]} : Wide{features[f]});
      if (__builtin_add_overflow(reach, part, &reach)) return -1;
    }
    if (reach < Wide{1} << 53) return argmax_of_doubles(features);
    return reach <= INT64_MAX ? argmax_of<std::int64_t>(features) : argmax_of<Wide>(features);
  }

  // A feature at a time: a loop that processors have lanes for.
  std::int32_t argmax_of_doubles(std::span<const std::int64_t> features) {
    scores_ = rows_[width_];
    for (std::size_t f = 0; f < width_; ++f) {
      if (features[f] == 0) continue;
      const auto feature = static_cast<double>(features[f]);
      const double* const weights = rows_[f].data();
      for (std::size_t id = 0; id < scores_.size(); ++id) scores_[id] += weights[id] * feature;
    }
    return static_cast<std::int32_t>(std::max_element(scores_.begin(), scores_.end()) - scores_.begin());
  }

  template <class Score>
  std::int32_t argmax_of(std::span<const std::int64_t> features) const {
    std::size_t best = 0;
    Score best_score = 0;
    for (std::size_t id = 0; id < net_.bias.size(); ++id) {
      Score score = net_.bias[id];
      for (std::size_t f = 0; f < width_; ++f) score += Score{net_.weights[f][id]} * features[f];
      if (id == 0 || score > best_score) {
        best = id;
        best_score = score;
      }
    }
    return static_cast<std::int32_t>(best);
  }

  static Wide largest(std::span<const std::int64_t> weights) {
    Wide result = 0;
    for (const auto weight : weights) result = std::max(result, weight < 0 ? -Wide{weight} : Wide{weight});
    return result;
  }

  const Network& net_;
  const std::size_t width_;
  std::vector<Wide> largest_;              // per feature the largest |weight|, then the largest |bias|
  std::vector<std::vector<double>> rows_;  // per feature its weights, then the bias
  std::vector<double> scores_;             // (V)
  std::vector<std::int64_t> keys_;         // (entries, features)
  std::vector<std::int32_t> tokens_;       // -1: empty
};

// The output head for runs, each of which has one to itself: the last one's, if it is done with it. Made
// where it is first needed: many runs find every prediction in a table of their tapes.
class Outputs {
 public:
  explicit Outputs(const Network& network) : net_(network) {}

  std::unique_ptr<Output> take() {
    {
      const std::lock_guard lock(mutex_);
      if (spare_ != nullptr) return std::move(spare_);
    }
    return std::make_unique<Output>(net_);
  }
  void give(std::unique_ptr<Output> output) {
    const std::lock_guard lock(mutex_);
    spare_ = std::move(output);
  }

 private:
  const Network& net_;
  std::mutex mutex_;
  std::unique_ptr<Output> spare_;
};

}  // namespace tvm::plan
