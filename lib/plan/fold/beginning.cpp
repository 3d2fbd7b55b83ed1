#include "plan/fold/beginning.hpp"

#include <algorithm>

namespace tvm::plan {

Beginning::Beginning(const Model& model, Network& net) : net_(net) {
  const auto width = static_cast<std::ptrdiff_t>(model.width);
  for (auto row = model.embedding.begin(); row != model.embedding.end(); row += width)
    empty_.push_back(std::all_of(row, row + width, [](double weight) { return weight == 0.0; }));
  if (std::find(empty_.begin(), empty_.end(), true) == empty_.end()) empty_.clear();
}

bool Beginning::is_one(const TokenTable& table, std::int64_t scale) const {
  for (std::size_t id = 0; id < empty_.size(); ++id)
    if (table[id] != (empty_[id] ? 0 : scale)) return false;
  return !empty_.empty() && scale != 0;
}

Expr Beginning::settled(const Expr& expr) {
  if (empty_.empty()) return expr;
  Expr result;
  for (const Term& term : expr) {
    const Node& node = net_.nodes[term.node];
    if (node.kind == Kind::kToken) {
      const TokenTable& table = net_.table(node);
      const auto scale = std::find_if(table.begin(), table.end(), [](std::int64_t v) { return v != 0; });
      if (scale != table.end() && is_one(table, *scale)) {
        net_.begins = empty_;
        add_scaled(result, constant(*scale), term.weight);
        continue;
      }
    }
    add_scaled(result, Terms(&term, 1), 1);
  }
  return result;
}

Expr Beginning::count(const TokenTable& keys) {
  if (std::all_of(keys.begin(), keys.end(), [&](std::int64_t key) { return key == keys[0]; }))
    return {{kOneNode, 1}, {kPositionNode, 1}};
  const std::int64_t most = *std::max_element(keys.begin(), keys.end());
  if (most <= 0 || !is_one(keys, most)) return {};
  net_.begins = empty_;
  return {{kPositionNode, 1}};
}

}  // namespace tvm::plan
