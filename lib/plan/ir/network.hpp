// The network found again from its weights: a graph of integer nodes, in an order in which each
// reads only earlier ones.
//
// Enters: nodes and expressions from fold.cpp.  Leaves: `Network`, from which tapes are built.
//
// Every node is an exact integer. What can be said of the whole run is computed with it: the
// interval that holds each node in every trace of at most kMaxTokens tokens.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tvm::plan {

using Wide = __int128;
using NodeId = std::uint32_t;

// Traces are bounded, so that intervals are: positions and counts stay below this.
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;

// Running sums are kept within this, where every integer still is a float64: a run that would leave it
// stops.
inline constexpr std::int64_t kSumBound = std::int64_t{1} << 53;

// A linear expression: terms by ascending node, no zero weights. Node kOneNode is the constant 1.
struct Term {
  NodeId node;
  std::int64_t weight;
  bool operator==(const Term&) const = default;
  auto operator<=>(const Term&) const = default;
};
using Expr = std::vector<Term>;
inline constexpr NodeId kOneNode = 0, kPositionNode = 1;

enum class Kind : std::uint8_t {
  kOne,
  kPosition,   // of the current token
  kToken,      // table[current token]
  kLinear,     // value
  kIndex,      // value clamped to 0 .. node `at` (or to the current position when at is kOneNode)
  kTokenAt,    // table[token at position `at`]
  kHistoryAt,  // what `value` was at position `at`
  kSum,        // gate * mean `table`: the running sum itself when the gate counts its terms
  kLookup,     // index of the record of store `table` whose key is nearest the value
  kFound,      // column `table` of the record that lookup `at` found
  kProduct,    // value * max(0, gate)
  kStep,       // value when gate >= 1, else 0
  kEqual,      // value when gate == 0, else 0
  kFunction,   // function `table` of the integer node `at`
};

struct Node {
  Kind kind;
  NodeId at = 0;
  std::uint32_t table = 0;
  Expr gate, value;
  auto operator<=>(const Node&) const = default;
};

// The part of the model that a node was made for first.
struct Origin {
  enum class Unit : std::uint8_t { kInput, kHead, kNeuron, kAttentionSlot, kFfnSlot } unit = Unit::kInput;
  std::size_t layer = 0, index = 0;
};

struct Range {
  Wide low = 0, high = 0;
};

// A mean over all positions so far whose key (a function of the token) is largest.
struct Mean {
  Expr value;
  std::uint32_t key = 0;  // table
  bool uniform = false;   // all tokens have the same key: all positions count
  auto operator<=>(const Mean&) const = default;
};

// Positions by integer key. `square` must be key * key wherever clear is 0.
struct Store {
  Expr key, square, clear;
  std::vector<Expr> columns;
};

// A piecewise linear function of an integer: 0 below `low`, values[c - low] from there on, and beyond
// the values the last one and `slope` more for each step.
struct Function {
  std::int64_t low = 0, slope = 0;
  std::vector<std::int64_t> values;

  // Whether the result fits 64 bits.
  bool at(std::int64_t c, std::int64_t& result) const;
};

struct Network {
  std::vector<Node> nodes;
  std::vector<Range> ranges;                      // per node
  std::vector<Origin> origins;                    // per node
  Origin origin;                                  // of nodes that are added
  std::vector<std::vector<std::int64_t>> tables;  // each (V)
  std::vector<Mean> means;
  std::vector<Store> stores;
  std::vector<Expr> histories;
  std::vector<Function> functions;
  std::size_t table_entries = 0;  // of all functions
  // Output: the next token is the argmax over i of bias[i] + sum over f of weights[f][i] * features[f].
  std::vector<Expr> features;
  std::vector<std::vector<std::int64_t>> weights;
  std::vector<std::int64_t> bias;
  // What was found, for people.
  std::size_t heads_used = 0, heads_dropped = 0, neurons_used = 0;

  NodeId add(Node node);
  std::uint32_t table(std::vector<std::int64_t> values);
  Range range(const Expr& expr) const;

  // The interval of a node by those of the nodes it reads at its position; what it reads of the past has
  // the network's.
  Range range_of(const Node& node, const std::vector<Range>& here) const;

  // `expr` as it was at the position that node `at` holds.
  Expr past(const Expr& expr, NodeId at);

 private:
  std::map<Node, NodeId> known_;
  std::map<std::vector<std::int64_t>, std::uint32_t> known_tables_;
  bool token_local(const Expr& expr) const;
  Range range_since(const Expr& expr, const std::vector<Range>& here) const;
};

// A sum over all positions so far, of a mean times their number.
bool counts_all(const Network& network, const Node& sum);

Range scaled(Range range, Wide weight);
Range plus(const Range& a, const Range& b);

// Whether some partial sum of the expression may leave 63 bits.
bool may_leave(const Expr& expr, const std::vector<Range>& ranges);

// The interval of an expression by those of its nodes.
Range range_in(const Expr& expr, const std::vector<Range>& ranges);

// The model has no integer structure that the plan knows how to keep exact; says where and why.
struct Declined {
  std::string why;
};

// to += weight * from. Throws Declined when a weight leaves int64.
void add_scaled(Expr& to, const Expr& from, std::int64_t weight);
Expr constant(std::int64_t value);
// Whether the expression is a constant, and which.
bool is_constant(const Expr& expr, std::int64_t& value);

}  // namespace tvm::plan
