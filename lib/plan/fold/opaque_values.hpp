// What slots hold that no integer expression says: a mean, the recency, the squared position, or a sum with
// one of these. They are *opaque* nodes, which nothing computes.
//
// Enters: what slots hold, and what is added.  Leaves: an expression of one opaque node.
//
// float64 rounds what is added to them, so only what stays exact keeps its identity: one unit copies an
// opaque value, alone, into an empty slot, and one unit, alone, adds exactly its negation. Any other sum is a
// new opaque value. Of a sum of means over the same positions it is known what it is over the real numbers:
// the mean of the sum. Times their count that is a running sum again.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan/ir/network.hpp"

namespace tvm::plan {

// What a half of a layer adds to a slot.
struct Added {
  Expr sum;
  std::size_t parts = 0;  // units that add something: float64 adds these one by one
  bool opaque = false;    // one of them adds an opaque value
};

class OpaqueValues {
 public:
  explicit OpaqueValues(Network& net) : net_(net) {}

  // What the input puts into slot kRecency or kPositionSquared.
  Expr input(std::uint32_t slot);
  // An opaque value is alone in the expressions that slots hold and units read.
  bool is(const Expr& expr) const { return !expr.empty() && net_.nodes[expr[0].node].is_opaque(); }
  // "a mean", for messages.
  const char* name(const Expr& expr) const;

  // A sum of several, each read from a slot of its own; nothing if they are not means that go together.
  std::optional<Expr> sum_of_means(const Expr& sum);
  // What a slot holds when something is added, where it or what is added is opaque.
  Expr after(const Expr& held, const Added& added);
  // The number of the mean that an opaque value is, over the real numbers.
  std::optional<std::uint32_t> mean_of(NodeId opaque) const;

 private:
  Expr rounded(const Expr& sum);
  std::optional<Mean> mean_of_sum(const Expr& sum) const;

  Network& net_;
  std::uint32_t next_ = kInputs;  // number of the next new opaque value
  std::map<NodeId, std::uint32_t> means_of_sums_;

  static constexpr std::uint32_t kInputs = 3;  // slots of inputs, whose numbers are theirs
};

}  // namespace tvm::plan
