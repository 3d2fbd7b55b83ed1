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
  kFunction,   // function `index` of the value
  kOpaque,     // no integer that an expression says (fold.cpp): slots hold it, nothing evaluates it
};

// Made by the functions below, which say what a kind reads. `index` says which table, mean, store, column,
// history or function of the network: Network::table(node) and its like give that.
struct Node {
  Kind kind;
  NodeId at = kOneNode;
  std::uint32_t index = 0;
  Expr gate = {}, value = {};
  auto operator<=>(const Node&) const = default;

  static Node one() { return {Kind::kOne}; }
  static Node position() { return {Kind::kPosition}; }
  static Node token(std::uint32_t table) { return {Kind::kToken, kOneNode, table}; }
  static Node linear(Expr value) { return {Kind::kLinear, kOneNode, 0, {}, std::move(value)}; }
  static Node clamped(Expr value, NodeId upper) { return {Kind::kIndex, upper, 0, {}, std::move(value)}; }
  static Node token_at(std::uint32_t table, NodeId at) { return {Kind::kTokenAt, at, table}; }
  static Node history_at(std::uint32_t history, Expr value, NodeId at) {
    return {Kind::kHistoryAt, at, history, {}, std::move(value)};
  }
  static Node sum(std::uint32_t mean, Expr gate) { return {Kind::kSum, kOneNode, mean, std::move(gate)}; }
  static Node lookup(std::uint32_t store, Expr query) {
    return {Kind::kLookup, kOneNode, store, {}, std::move(query)};
  }
  static Node found(std::uint32_t column, NodeId lookup) { return {Kind::kFound, lookup, column}; }
  // kProduct, kStep or kEqual
  static Node gated(Kind kind, Expr gate, Expr value) {
    return {kind, kOneNode, 0, std::move(gate), std::move(value)};
  }
  static Node function(std::uint32_t function, Expr value) {
    return {Kind::kFunction, kOneNode, function, {}, std::move(value)};
  }
  static Node opaque(std::uint32_t number) { return {Kind::kOpaque, kOneNode, number}; }

  bool is_gated() const { return kind == Kind::kProduct || kind == Kind::kStep || kind == Kind::kEqual; }
  // A mean that no count has made a running sum yet: no integer.
  bool is_mean() const { return kind == Kind::kSum && gate.empty(); }
  // Slots may hold it, expressions that are computed may not.
  bool is_opaque() const { return kind == Kind::kOpaque || is_mean(); }
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
