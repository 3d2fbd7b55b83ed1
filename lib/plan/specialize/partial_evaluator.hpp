// What is known of every node at one position, before it is computed.
//
// Enters: the network, what the position before left behind (`Facts`), the class of the token, and
// cases of selectors.  Leaves: for each node a symbol, an expression of registers; and by how much
// it differs from the position before.
//
// This is partial evaluation: known values are substituted, a product whose gate is constant becomes
// linear, one whose gate is never positive (by its interval) vanishes, what was looked up under the
// key just entered is the record just entered, and a register whose node has not changed since it was
// computed is not computed again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/ir/network.hpp"
#include "plan/specialize/division.hpp"

namespace tvm::plan {

// What is known when a position has been read. Sums are always in their registers.
struct Facts {
  bool first = false;                // no position has been read
  std::vector<std::uint32_t> cases;  // per selector, or kNoCase
  std::vector<bool> valid;           // per node: its register holds its value
  auto operator<=>(const Facts&) const = default;
};

class Knowledge {
 public:
  // `cases` per selector: found by a branch, or kNoCase. `first_token`: of the sequence.
  Knowledge(const Network& network, const Split& split, const Facts& before, std::uint32_t token_class,
            std::span<const std::uint32_t> cases, std::int32_t first_token);

  // A node as an expression of registers: a constant, itself, or terms of others.
  const Expr& symbol(NodeId id);
  Expr substitute(const Expr& expr);
  Range range(const Expr& expr) const;

  // The node now less the node one position before, when that is known.
  std::optional<std::int64_t> delta(NodeId id);

  // Its register holds its value already.
  bool carried(NodeId id) { return before_.valid[id] && delta(id) == 0; }

  // A column of the record that the position itself has entered.
  bool forwarded(NodeId found);

  // The node is a found value under the condition that its key is the key asked for, and is it else 0.
  bool is_match(NodeId equal);

  enum class Entry : std::uint8_t { kNever, kAlways, kPerhaps };
  Entry enters(std::uint32_t store);

  // The case of a selector when all its nodes are constants, else kNoCase.
  std::uint32_t known_case(std::size_t selector);
  // Whether all its nodes are constants, of whatever value.
  bool is_known(std::size_t selector);

 private:
  Expr symbol_of(NodeId id);
  Expr gated(const Node& node, NodeId id);
  std::optional<std::int64_t> delta_of(NodeId id);
  std::optional<std::int64_t> delta(const Expr& expr);
  Range quick_range(const Expr& expr);

  const Network& net_;
  const Split& split_;
  const Facts& before_;
  const std::int32_t first_token_;
  const Range position_;
  const std::vector<Range>& ranges_;  // of all nodes, in the known case where there is one
  std::vector<std::optional<std::int64_t>> known_, previous_;  // of class nodes and selectors
  std::vector<Expr> symbols_;
  std::vector<Range> symbol_ranges_;
  std::vector<std::optional<std::int64_t>> deltas_;
  std::vector<std::uint8_t> has_symbol_, has_delta_;
};

}  // namespace tvm::plan
