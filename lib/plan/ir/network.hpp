// The network found again from its weights: a graph of integer nodes, in an order in which each reads only
// earlier ones.
//
// Enters: nodes and expressions from fold/.  Leaves: `Network`, which specialize/ turns into tapes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/ir/interned.hpp"
#include "plan/ir/intervals.hpp"
#include "plan/ir/limits.hpp"
#include "plan/ir/node.hpp"

namespace tvm::plan {

// The part of the model that a node was made for first.
struct Origin {
  enum class Unit : std::uint8_t { kInput, kHead, kNeuron, kAttentionSlot, kFfnSlot } unit = Unit::kInput;
  std::size_t layer = 0, index = 0;
};

// A mean over all positions so far whose key (a function of the token) is largest.
struct Mean {
  Expr value;
  std::uint32_t key = 0;  // token table
  Expr count;             // of these positions, where it is known: from the first to the last, or but one
  auto operator<=>(const Mean&) const = default;
};

// A record of each position, found by an integer key. `square` must be key * key wherever clear is 0; a
// position whose clear is positive has no record.
struct Store {
  Expr key, square, clear;
  std::vector<Expr> columns;
};

// A piecewise linear function of an integer: 0 below `low`, values[c - low] from there on, and beyond
// the values the last one and `slope` more for each step.
struct Function {
  std::int64_t low = 0, slope = 0;
  std::vector<std::int64_t> values;
  Interval range = {};  // of the values

  // Whether the result fits 64 bits.
  bool at(std::int64_t c, std::int64_t& result) const;
  // Of the results for all c in an interval.
  Interval interval(const Interval& of) const;
};

using TokenTable = std::vector<std::int64_t>;  // (V)

// A sum as a difference of positions that is never negative, as records are of the past, and the rest.
struct Since {
  Expr rest;
  std::int64_t weight = 0;  // of the difference

  Interval plus(const Interval& of_rest) const {
    return plan::plus(of_rest, scaled({0, kMaxTokens}, weight));
  }
};

struct Network {
  Interned<Node> nodes;
  std::vector<Interval> intervals;  // per node
  std::vector<Origin> origins;      // per node
  Origin origin;                    // of nodes that are added
  Interned<TokenTable> tables;
  Interned<Mean> means;
  std::vector<Store> stores;
  Interned<Expr> histories;
  std::vector<Function> functions;
  std::size_t table_entries = 0;  // of all functions
  // Output: the next token is the argmax over i of bias[i] + sum over f of weights[f][i] * features[f].
  std::vector<Expr> features;
  std::vector<std::vector<std::int64_t>> weights;
  std::vector<std::int64_t> bias;
  // Tokens that stand at position 0 and nowhere else, as one of them does in each sequence that the network
  // is for (fold/beginning.hpp). Empty: it is for all sequences.
  std::vector<bool> begins;
  // What was found, for people.
  std::size_t heads_used = 0, heads_dropped = 0, neurons_used = 0;

  NodeId add(Node node);
  std::uint32_t add_function(Function function);
  // The node as an expression.
  Expr term(Node node) { return {{add(std::move(node)), 1}}; }

  // What the index of a node stands for.
  const TokenTable& table(const Node& token) const { return tables[token.index]; }
  const Mean& mean(const Node& sum) const { return means[sum.index]; }
  const Function& function(const Node& node) const { return functions[node.index]; }
  std::uint32_t store_of(const Node& node) const {  // a lookup or a value found
    return node.kind == Kind::kFound ? nodes[node.at].index : node.index;
  }
  const Store& store(const Node& node) const { return stores[store_of(node)]; }
  const Expr& column(const Node& found) const { return store(found).columns[found.index]; }

  // The gate of a sum is the number of its terms: the node is a running sum.
  bool counts_all(const Node& sum) const;

  Interval interval(Terms terms) const { return interval_in(terms, intervals); }
  // The interval of a node by those of the nodes that it reads at its position. For what it reads of the
  // past, the network's own intervals hold.
  Interval interval_of(const Node& node, const std::vector<Interval>& here) const;
  // The same by the intervals of its value and of its gate, where it has them.
  Interval interval_of(const Node& node, const Interval& value, const Interval& gate) const;
  // Where a sum has the position less a position found in a store.
  std::optional<Since> since(const Expr& expr) const;
};

}  // namespace tvm::plan
