// The folded network computed the obvious way: every node at every position, in 128-bit integers, with all
// of the past at hand. What the tapes compute must be this.
#pragma once

#include <algorithm>
#include <vector>

#include "plan/ir/network.hpp"

class Reference {
 public:
  using Wide = tvm::plan::Wide;

  explicit Reference(const tvm::plan::Network& network) : net_(network) {}

  // Reads a token; returns the prediction.
  std::int32_t step(std::int32_t token) {
    tokens_.push_back(token);
    values_.emplace_back(net_.nodes.size(), 0);
    now_ = values_.size() - 1;
    for (std::size_t id = 0; id < net_.nodes.size(); ++id) {
      const Wide value = node(net_.nodes[id]);
      values_[now_][id] = value;
      largest_ = std::max(largest_, value < 0 ? -value : value);
      inside_ &= value >= net_.intervals[id].low && value <= net_.intervals[id].high;
    }
    std::size_t best = 0;
    Wide best_score = 0;
    for (std::size_t i = 0; i < net_.bias.size(); ++i) {
      Wide score = net_.bias[i];
      for (std::size_t f = 0; f < net_.features.size(); ++f)
        score += net_.weights[f][i] * sum(net_.features[f], now_);
      if (i == 0 || score > best_score) best = i, best_score = score;
    }
    return static_cast<std::int32_t>(best);
  }

  Wide largest() const { return largest_; }
  // Every value so far lay in the interval of its node.
  bool inside() const { return inside_; }
  // A key that won was cleared, a square was none, a mean no integer: the plan may refuse.
  bool odd() const { return odd_; }
  // The keys are no parabola: what is found is not what attention finds.
  bool off() const { return off_; }

 private:
  Wide sum(const tvm::plan::Expr& expr, std::size_t position) const {
    Wide result = 0;
    for (const auto& term : expr) result += Wide{term.weight} * values_[position][term.node];
    return result;
  }

  Wide node(const tvm::plan::Node& n) {
    using tvm::plan::Kind;
    const auto at = [&] { return values_[now_][n.at]; };
    const Wide gate = sum(n.gate, now_);
    switch (n.kind) {
      case Kind::kOne: return 1;
      case Kind::kOpaque: return 0;  // nothing reads it
      case Kind::kPosition: return static_cast<Wide>(now_);
      case Kind::kToken: return net_.table(n)[static_cast<std::size_t>(tokens_[now_])];
      case Kind::kLinear: return sum(n.value, now_);
      case Kind::kIndex: {
        const Wide upper = n.at == tvm::plan::kOneNode ? static_cast<Wide>(now_) : at();
        return std::clamp<Wide>(sum(n.value, now_), 0, upper);
      }
      case Kind::kTokenAt:
        return net_.table(n)[static_cast<std::size_t>(tokens_[static_cast<std::size_t>(at())])];
      case Kind::kHistoryAt: return sum(n.value, static_cast<std::size_t>(at()));
      case Kind::kSum: return n.gate.empty() ? 0 : mean_times(net_.mean(n), std::max<Wide>(0, gate));
      case Kind::kLookup: return lookup(net_.store(n), sum(n.value, now_));
      case Kind::kFound: return sum(net_.column(n), static_cast<std::size_t>(at()));
      case Kind::kProduct: return sum(n.value, now_) * std::max<Wide>(0, gate);
      case Kind::kStep: return gate >= 1 ? sum(n.value, now_) : 0;
      case Kind::kEqual: return gate == 0 ? sum(n.value, now_) : 0;
      case Kind::kFunction: {
        const auto& f = net_.function(n);
        const Wide last = static_cast<Wide>(f.values.size()) - 1, index = sum(n.value, now_) - f.low;
        if (index < 0) return 0;
        return f.values[static_cast<std::size_t>(std::min(index, last))] +
               std::max<Wide>(0, index - last) * f.slope;
      }
    }
    return 0;
  }

  Wide mean_times(const tvm::plan::Mean& mean, Wide gate) {
    const auto key = [&](std::size_t s) {
      return net_.tables[mean.key][static_cast<std::size_t>(tokens_[s])];
    };
    Wide total = 0, count = 0;
    std::int64_t best = key(0);
    for (std::size_t s = 0; s <= now_; ++s) {
      if (key(s) > best) best = key(s), total = count = 0;
      if (key(s) == best) total += sum(mean.value, s), ++count;
    }
    odd_ |= total * gate % count != 0;
    return total * gate / count;
  }

  // The position that wins: least clear, then nearest key, then newest.
  Wide lookup(const tvm::plan::Store& store, Wide query) {
    std::size_t best = 0;
    bool all_squared = true;
    for (std::size_t s = 0; s <= now_; ++s) {
      const auto rank = [&](std::size_t position) {
        const Wide distance = query - sum(store.key, position);
        return std::pair(sum(store.clear, position), distance < 0 ? -distance : distance);
      };
      if (rank(s) <= rank(best)) best = s;
      const Wide key = sum(store.key, s), clear = sum(store.clear, s);
      const bool squared = key * key == sum(store.square, s);
      off_ |= clear == 0 && !squared;
      all_squared &= squared;
      odd_ |= off_ || clear < 0;
    }
    const bool cleared = sum(store.clear, best) != 0;
    odd_ |= cleared;
    off_ |= cleared && !all_squared;
    return static_cast<Wide>(best);
  }

  const tvm::plan::Network& net_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::vector<Wide>> values_;  // (positions, nodes); a lookup's is the position found
  std::size_t now_ = 0;
  Wide largest_ = 0;
  bool inside_ = true, odd_ = false, off_ = false;
};
