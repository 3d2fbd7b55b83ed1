// The partial evaluator: what is known of every node at one position before anything is computed.
//
// Enters: the subject, what the position before left behind (`AbstractState`), the class of the token, and
// the cases of selectors.  Leaves: for each node its residual, an expression of registers; and by how much
// the node differs from what it was one position before.
//
// Known values are substituted. A product whose gate is constant becomes linear. One whose gate is never
// positive (by its interval) vanishes. What is looked up under the key that the position itself entered is
// the record just entered. A register whose node has not changed since it was computed is not computed again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/specialize/division.hpp"

namespace tvm::plan {

// The abstract state between positions: what is known once a position has been read. The running sums
// that count all positions are always in their registers.
struct AbstractState {
  bool first = false;                // no position has been read
  std::vector<std::uint32_t> cases;  // per selector, or kNoCase
  std::vector<bool> valid;           // per node: its register holds its value
  auto operator<=>(const AbstractState&) const = default;
};

class PartialEvaluator {
 public:
  // `cases` per selector: found by a branch, or kNoCase. `first_token`: of the sequence.
  PartialEvaluator(const Subject& subject, const AbstractState& before, std::uint32_t token_class,
                   std::span<const std::uint32_t> cases, std::int32_t first_token);

  // A node as an expression of registers: a constant, itself, or terms of others.
  const Expr& residual(NodeId id);
  Expr substitute(const Expr& expr);
  Interval interval(Terms terms) const;

  // The node now less the node one position before, when that is known.
  std::optional<std::int64_t> delta(NodeId id);

  // Carried over from the position before: the register holds the node's value already.
  bool carried(NodeId id) { return before_.valid[id] && delta(id) == 0; }

  // A column of the record that the position itself has entered.
  bool forwarded(NodeId found);

  // The node is the value found where its key is the key asked for, and is 0 elsewhere.
  bool is_match(NodeId equal);

  enum class Entry : std::uint8_t { kNever, kAlways, kPerhaps };
  // Whether the position enters a record into the store.
  Entry enters(std::uint32_t store);

  // The case of a selector when all its nodes are constants, else kNoCase.
  std::uint32_t known_case(std::size_t selector);
  // Whether all its nodes are constants, of whatever value.
  bool is_known(std::size_t selector);

 private:
  // By its interval: so most gates' products are once the opcode is known.
  bool is_zero(NodeId id) const {
    return intervals_[id].low == 0 && intervals_[id].high == 0 && id != kPositionNode && !known_[id];
  }
  Expr residual_of(NodeId id);
  Expr residual_of_gated(const Node& node, NodeId id);
  std::optional<std::int64_t> delta_of(NodeId id);
  std::optional<std::int64_t> delta(Terms terms);
  Interval quick_interval(const Expr& expr);

  const Network& net_;
  const Division& division_;
  const AbstractState& before_;
  const std::int32_t first_token_;
  const Interval position_;
  const std::vector<Interval> intervals_;  // of all nodes, in the known case where there is one
  std::vector<std::optional<std::int64_t>> known_, previous_;  // of class nodes and selectors
  std::vector<std::optional<Expr>> residuals_;
  std::vector<Interval> residual_intervals_;
  std::vector<std::optional<std::int64_t>> deltas_;
  std::vector<bool> has_delta_;
};

}  // namespace tvm::plan
