// A tape: straight-line code for what one position computes.
//
// Enters: residual ops and when they are demanded (demand.hpp).  Leaves: a `Tape`, which run/interpreter.cpp
// runs.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/specialize/demand.hpp"

namespace tvm::plan {

// constant + weight * register `node` + `more` further terms from `first`.
struct Linear {
  std::int64_t constant = 0, weight = 0;
  NodeId node = 0;
  std::uint32_t first = 0, more = 0;
};

// A line of the cache.
struct alignas(64) Op {
  Code code;
  std::uint32_t to = 0, at = 0;
  std::uint32_t table = 0;  // of functions, means, stores and histories
  // Gated codes: its gate; kInsert: its insert; kFound, kMatch: the column; kTokenAt, kTokenNear, kTokenSum:
  // 1 where the read is far; kBranch: a bit for each of `branches`, set where the token that it reads is far.
  std::uint32_t part = 0;
  const std::int64_t* tokens = nullptr;  // kToken and its like: a number for each token
  Linear value = {};
};

// What kInsert needs besides the op: the store's expressions in this tape. What is always read comes first.
struct alignas(64) Insert {
  struct Product {
    std::int64_t weight;
    Linear gate, value;
  };
  Linear key;
  std::vector<Linear> columns;  // of the record; unread ones are 0
  bool always = false;          // clear is 0
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

// A number that the prediction is tabulated by: a register within low .. low + size - 1.
struct Digit {
  NodeId node;
  std::int64_t low, size;
};

struct Tape {
  std::vector<Op> ops;
  std::vector<Term> terms;
  std::vector<Near> nears;  // `more` from `first` of a kTokenSum's value, by ascending offset
  std::vector<Linear> gates;
  std::vector<Batch> batches;
  std::vector<Insert> inserts;
  std::vector<Linear> features;  // kPredict: of the output head
  std::size_t entries = 0;       // kRecall: of the table of predictions
  std::vector<Digit> digits;     // of its index, the lowest first; none where they are sums of registers
  // kBranch: selectors whose cases are looked at, and the number of tapes to go on with.
  std::vector<std::uint32_t> branches;
  std::size_t targets = 0;
  std::vector<NodeId> computed;  // nodes whose registers are right after it
};

// Throws Declined where an op would read a register that nothing has filled.
Tape build_tape(const Subject& subject, PartialEvaluator& evaluator, const Request& request);

}  // namespace tvm::plan
