// A tape: straight-line code for what one position computes.
//
// Enters: what is known of the nodes (knowledge.hpp) and what is needed (needs.hpp).  Leaves: a `Tape`, which
// sequence.cpp runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "plan/ir/liveness.hpp"
#include "plan/ir/network.hpp"
#include "plan/specialize/demand.hpp"
#include "plan/specialize/partial_evaluator.hpp"
#include "plan/specialize/square_proof.hpp"

namespace tvm::plan {

// constant + weight * register `node` + `more` further terms from `first`.
struct Linear {
  std::int64_t constant = 0, weight = 0;
  NodeId node = 0;
  std::uint32_t first = 0, more = 0;
};

enum class Code : std::uint8_t {
  kCheck,      // stops the run when value leaves 64 bits
  kToken,      // to = tokens[token]
  kLinear,     // to = value
  kIndex,      // to = value clamped to 0 .. register `at`
  kTokenAt,    // to = tokens[token at register `at`]
  kTokenNear,  // to = tokens[token at (value clamped to 0 .. register `at`)]
  kTokenSum,   // to = sum over `nears` of weight * tokens[token at (value + offset clamped to 0 .. register
               // `at`)]
  kHistoryAt,  // to = history `table` at register `at`
  kSum,        // to = gate * mean `table` of value
  kAddToSum,   // to += value
  kLookup,     // to = record of store `table` with the key nearest to value
  kFound,      // to = column `part` of record `at` of store `table`
  kMatch,      // to = column `part` of the record of store `table` with the key value, or 0
  kBatch,      // the products and steps of batch `part`
  kProduct,    // to = value * max(0, gate)
  kStep,       // to = value when gate >= 1, else 0
  kEqual,      // to = value when gate == 0, else 0
  kFunction,   // to = function `table` of register `at`
  kInsert,     // insert `part` into store `table`
  kHistory,    // append value to history `table`
  kBranch,     // go on with the tape of the selectors' cases
  kRecall,     // next token = entry `value` of the tape's predictions: where it is known the position is done
  kPredict,    // next token = argmax of the tape's features, and entry `value`; the position is done
  kEnd,        // the position is done, no token is predicted
};

// A line of the cache.
struct alignas(64) Op {
  Code code;
  std::uint32_t to = 0, at = 0;
  std::uint32_t table = 0;  // of functions, means, stores and histories
  std::uint32_t part = 0;   // gated codes: its gate; kInsert: its insert; kFound, kMatch: the column
  const std::int64_t* tokens = nullptr;  // kToken and its like: a number for each token
  Linear value;
};

// What kInsert needs besides the op: the store's expressions in this tape. What is always read comes first.
struct alignas(64) Insert {
  struct Product {
    std::int64_t weight;
    Linear gate, value;
  };
  Linear key;
  std::vector<Linear> columns;  // of the record; those that nobody reads are 0
  bool always = false;          // clear is 0
  bool fixed = false;           // the key is a constant
  // That the squared key is the square. To be computed: rest + sum of weight * value * max(0, gate).
  SquareProof::How proof = SquareProof::How::kProved;
  std::int64_t sign = 0;
  Linear clear, rest;
  std::vector<Product> products;
};

// Many products and steps, most of them closed: their gates as a small matrix times a vector of registers, in
// float64, where every partial sum is an integer below 2^53 (processors have lanes for that).
struct Batch {
  struct Column {
    NodeId from = 0;              // a register that gates read
    std::size_t begin = 0;        // the first that does
    std::vector<double> weights;  // from there to the last that does
  };
  std::vector<Op> ops;     // kProduct and kStep
  std::vector<NodeId> to;  // their registers
  std::vector<double> constants;
  std::vector<Column> columns;
};

// A token near others, of a kTokenSum whose value is the base without its constant.
struct Near {
  std::int64_t offset, weight;
};

struct Segment;  // of the automaton

// An entry of a table of predictions. Entered by runs on any thread, each the same.
struct Prediction {
  std::atomic<std::int32_t> token{0};        // + 1; 0: not yet computed
  std::atomic<Segment*> following{nullptr};  // the step that goes on with that token
};

struct Tape {
  std::vector<Op> ops;
  // The prediction as a function of few registers with small ranges, for each combination, which the value
  // of kRecall counts. Empty when there are too many. All else in a tape is constant.
  std::vector<Prediction> predictions;
  std::vector<Term> terms;
  std::vector<Near> nears;  // `more` from `first` of a kTokenSum's value, by ascending offset
  std::vector<Linear> gates;
  std::vector<Batch> batches;
  std::vector<Insert> inserts;
  std::vector<Linear> features;  // kPredict: of the output head
  // kBranch: selectors whose cases are looked at, and the number of tapes to go on with.
  std::vector<std::uint32_t> branches;
  std::size_t targets = 0;
  std::vector<NodeId> computed;  // nodes whose registers are right after it
};

Tape build_tape(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
                const Request& request);

}  // namespace tvm::plan
