// Linear expressions of nodes, with exact integer weights.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tvm::plan {

using NodeId = std::uint32_t;

// The first two nodes of every network: the constant 1, and the position of the current token.
inline constexpr NodeId kOneNode = 0, kPositionNode = 1;

struct Term {
  NodeId node;
  std::int64_t weight;
  bool operator==(const Term&) const = default;
  auto operator<=>(const Term&) const = default;
};

// A sum of terms, by ascending node, without zero weights.
using Expr = std::vector<Term>;
using Terms = std::span<const Term>;

// to += weight * from. Throws Declined when a weight leaves 64 bits.
void add_scaled(Expr& to, Terms from, std::int64_t weight);

Expr constant(std::int64_t value);
// The value of an expression that is a constant.
std::optional<std::int64_t> constant_of(const Expr& expr);

}  // namespace tvm::plan
