#include "plan/ir/token_bases.hpp"

#include <algorithm>
#include <optional>

#include "plan/ir/declined.hpp"

namespace tvm::plan {
namespace {

// The sum of other nodes than linear ones.
Expr without_linear(const Network& net, Expr sum) {
  while (true) {
    // The last first: what it reads comes before it, so that none is met twice.
    const auto last = std::find_if(sum.rbegin(), sum.rend(), [&](const Term& term) {
      return net.nodes[term.node].kind == Kind::kLinear;
    });
    if (last == sum.rend()) return sum;
    const Term term = *last;
    sum.erase(std::next(last).base());
    add_scaled(sum, net.nodes[term.node].value, term.weight);
  }
}

// The value at one token of a sum that is `positions` times the position and else of the token alone; nothing
// for any other sum.
std::optional<Wide> at_token(const Network& net, const Expr& sum, std::size_t token, std::int64_t positions) {
  Interval value;
  for (const Term& term : sum) {
    const Node& node = net.nodes[term.node];
    if (term.node == kPositionNode)
      positions -= term.weight;
    else if (node.kind == Kind::kOne || node.kind == Kind::kToken) {
      const Wide factor = node.kind == Kind::kOne ? 1 : net.table(node)[token];
      value = plus(value, scaled({factor, factor}, term.weight));
    } else {
      return std::nullopt;
    }
  }
  return positions == 0 ? std::optional(value.low) : std::nullopt;
}

bool is_base(const Network& net, const Store& store, const Expr& column) {
  const Expr value = without_linear(net, column), clear = without_linear(net, store.clear);
  for (std::size_t token = 0; token < net.bias.size(); ++token) {
    const auto cleared = at_token(net, clear, token, 0);
    if (cleared && *cleared > 0) continue;  // it has no record
    const auto offset = at_token(net, value, token, 1);
    if (!offset || *offset > 0 || *offset < -kWritten) return false;
  }
  return true;
}

}  // namespace

TokenBases find_token_bases(const Network& network) {
  TokenBases bases;
  for (const Store& store : network.stores) {
    auto& columns = bases.columns.emplace_back();
    for (const Expr& column : store.columns) {
      try {
        columns.push_back(is_base(network, store, column));
      } catch (const Declined&) {  // a weight leaves 64 bits
        columns.push_back(false);
      }
    }
  }
  return bases;
}

}  // namespace tvm::plan
