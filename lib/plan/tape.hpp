// A tape: straight-line code for what one position computes, specialised to known node values.
//
// Enters: the network, and which nodes have known values or are computed already.  Leaves: a `Tape`.
//
// Partial evaluation: known values are substituted, a product whose gate is constant becomes linear, one
// whose gate is never positive (by its interval) vanishes, and what nobody reads is not computed. What
// keeps history (sums, stores, histories) is never dropped, but for stores that the position does not
// enter.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/network.hpp"

namespace tvm::plan {

// constant + sum of weight * register, `count` terms from `first`.
struct Linear {
  std::uint32_t first = 0, count = 0;
  std::int64_t constant = 0;
};

enum class Code : std::uint8_t {
  kToken,
  kLinear,
  kIndex,
  kTokenAt,
  kHistoryAt,
  kSum,
  kLookup,
  kFound,
  kProduct,
  kStep,
  kEqual,
  kFunction,  // write register `to`
  kAddToSum,  // a sum of every position: register `to` += value
  kInsert,    // store `table`
  kHistory,   // append `value` to history `table`
};

struct Op {
  Code code;
  bool checked = false;  // the intervals do not rule out that it leaves 64 bits
  std::uint32_t to = 0, at = 0, table = 0;
  Linear gate, value;
};

// What kInsert needs besides the op: the store's expressions in this tape. The squared key is
// rest + sum of weight * value * max(0, gate); unless it is proved to be the square, every insertion
// checks it with 128-bit integers.
struct Insert {
  struct Product {
    std::int64_t weight;
    Linear gate, value;
  };
  Linear key, clear, rest;
  std::vector<Product> products;
  bool proved = false;
  std::vector<std::pair<std::uint32_t, Linear>> columns;
};

struct Tape {
  std::vector<Op> ops;
  std::vector<Term> terms;
  std::vector<Insert> inserts;   // op.at of kInsert
  std::vector<Linear> features;  // empty in a tape that does not reach the output
  std::vector<NodeId> computed;  // nodes whose registers are right after it
};

// What a tape starts from, and how far it goes. All vectors are indexed by node.
struct Scope {
  std::vector<std::optional<std::int64_t>> known;
  std::vector<bool> ready;  // computed by an earlier tape of the same position
  std::vector<bool>
      reached;  // what earlier tapes of the position were responsible for: their history is kept
  std::vector<NodeId> wanted;    // what the tape is for; none: the output
  std::int32_t first_token = 0;  // of the sequence
};

// Nodes that somebody reads: the output, or whatever keeps history for it.
std::vector<bool> live_nodes(const Network& network);

// Nodes that `wanted` needs, history keepers included.
std::vector<bool> closure(const Network& network, const std::vector<NodeId>& wanted);

Tape build_tape(const Network& network, const std::vector<bool>& live, const Scope& scope);

}  // namespace tvm::plan
