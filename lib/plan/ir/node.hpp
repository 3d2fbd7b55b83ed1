// Nodes: what a network is made of. Every node is one exact integer at each position.
#pragma once

#include <compare>
#include <cstdint>
#include <utility>

#include "plan/ir/expression.hpp"

namespace tvm::plan {

enum class Kind : std::uint8_t {
  kOne,
  kPosition,   // of the current token
  kToken,      // token table `index` at the current token
  kLinear,     // value
  kIndex,      // value clamped to 0 .. node `at`; kOneNode there stands for the current position
  kTokenAt,    // token table `index` at the token at position `at`
  kHistoryAt,  // what history `index` (it keeps `value`) was at position `at`
  kSum,        // gate * mean `index`: the running sum itself when the gate counts its terms
  kLookup,     // the record, of store `index`, whose key is nearest the value
  kFound,      // column `index` of the record that lookup `at` found
  kProduct,    // value * max(0, gate)
  kStep,       // value when gate >= 1, else 0
  kEqual,      // value when gate == 0, else 0
  kFunction,   // function `index` of node `at`
};

// Made by the functions below, which say what a kind reads. `index` says which table, mean, store, column,
// history or function of the network: Network::table(node) and its like give that.
struct Node {
  Kind kind;
  NodeId at = kOneNode;
  std::uint32_t index = 0;
  Expr gate = {}, value = {};
  auto operator<=>(const Node&) const = default;

  static Node one() { return {.kind = Kind::kOne}; }
  static Node position() { return {.kind = Kind::kPosition}; }
  static Node token(std::uint32_t table) { return {.kind = Kind::kToken, .index = table}; }
  static Node linear(Expr value) { return {.kind = Kind::kLinear, .value = std::move(value)}; }
  static Node clamped(Expr value, NodeId upper) {
    return {.kind = Kind::kIndex, .at = upper, .value = std::move(value)};
  }
  static Node token_at(std::uint32_t table, NodeId at) {
    return {.kind = Kind::kTokenAt, .at = at, .index = table};
  }
  static Node history_at(std::uint32_t history, Expr value, NodeId at) {
    return {.kind = Kind::kHistoryAt, .at = at, .index = history, .value = std::move(value)};
  }
  static Node sum(std::uint32_t mean, Expr gate) {
    return {.kind = Kind::kSum, .index = mean, .gate = std::move(gate)};
  }
  static Node lookup(std::uint32_t store, Expr query) {
    return {.kind = Kind::kLookup, .index = store, .value = std::move(query)};
  }
  static Node found(std::uint32_t column, NodeId lookup) {
    return {.kind = Kind::kFound, .at = lookup, .index = column};
  }
  // kProduct, kStep or kEqual
  static Node gated(Kind kind, Expr gate, Expr value) {
    return {.kind = kind, .gate = std::move(gate), .value = std::move(value)};
  }
  static Node function(std::uint32_t function, NodeId at) {
    return {.kind = Kind::kFunction, .at = at, .index = function};
  }

  bool is_gated() const { return kind == Kind::kProduct || kind == Kind::kStep || kind == Kind::kEqual; }
  // A mean that no count has made a running sum yet: no integer.
  bool is_mean() const { return kind == Kind::kSum && gate.empty(); }
};

// Calls f(Terms) for each expression of other nodes that the node reads at its own position.
template <class F>
void for_each_operand(const Node& node, F&& f) {
  f(Terms(node.gate));
  if (node.kind != Kind::kHistoryAt) f(Terms(node.value));  // its value is of the past
  if (node.at != kOneNode) {
    const Term at{node.at, 1};
    f(Terms(&at, 1));
  }
}

}  // namespace tvm::plan
