#include "plan/fold/opaque_values.hpp"

#include <algorithm>
#include <bit>

#include "model/model.hpp"

namespace tvm::plan {

Expr OpaqueValues::input(std::uint32_t slot) { return net_.term(Node::opaque(slot)); }

const char* OpaqueValues::name(const Expr& expr) const {
  const Node& node = net_.nodes[expr[0].node];
  if (node.is_mean()) return "a mean";
  if (means_of_sums_.count(expr[0].node) > 0) return "a sum of means";
  if (node.index == kRecency) return "the recency";
  if (node.index == kPositionSquared) return "the squared position";
  return "a sum with a mean, the recency or the squared position";
}

std::optional<std::uint32_t> OpaqueValues::mean_of(NodeId opaque) const {
  if (const Node& node = net_.nodes[opaque]; node.is_mean()) return node.index;
  const auto found = means_of_sums_.find(opaque);
  return found == means_of_sums_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Mean> OpaqueValues::mean_of_sum(const Expr& sum) const {
  if (sum.empty()) return Mean{};  // of zeros
  std::optional<Mean> all;
  for (const Term& term : sum) {
    const auto index = mean_of(term.node);
    if (!index) return std::nullopt;
    const Mean& mean = net_.means[*index];
    if (!all) all = Mean{{}, mean.key, mean.count};
    if (mean.key != all->key) return std::nullopt;
    add_scaled(all->value, mean.value, term.weight);
  }
  return all;
}

Expr OpaqueValues::rounded(const Expr& sum) {
  Expr result = net_.term(Node::opaque(next_++));
  if (auto mean = mean_of_sum(sum)) means_of_sums_[result[0].node] = net_.means.add(std::move(*mean));
  return result;
}

std::optional<Expr> OpaqueValues::sum_of_means(const Expr& sum) {
  if (!mean_of_sum(sum)) return std::nullopt;
  return rounded(sum);
}

// The weight of an opaque value that a slot holds is a product of weights; where that is a power of two, all
// are, and nothing has been rounded.
Expr OpaqueValues::after(const Expr& held, const Added& added) {
  Expr sum = held;
  add_scaled(sum, added.sum, 1);
  if (added.parts == 1 && added.opaque) {
    if (held.empty()) return added.sum;
    const auto weight = static_cast<std::uint64_t>(added.sum[0].weight);
    if (sum.empty() && (std::has_single_bit(weight) || std::has_single_bit(-weight))) return {};
  }
  return rounded(sum);
}

}  // namespace tvm::plan
