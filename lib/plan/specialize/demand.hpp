// What a tape computes: which nodes, when, and which are parts of other ops.
//
// Enters: what is known of the nodes, and which part of a position the tape is for.  Leaves: `Needs`, read by
// tape.cpp.
//
// What keeps history (sums, stores, histories) is always needed, but for stores that the position does not
// enter; of everything else only what somebody reads is. The prediction is tabulated by few registers with
// small ranges where there are such: instead of nodes that only combine others, what they combine. Nodes that
// only the prediction needs then are late: they are computed once for each entry of the table.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/ir/liveness.hpp"
#include "plan/specialize/partial_evaluator.hpp"

namespace tvm::plan {

enum class Part : std::uint8_t {
  kWhole,   // a position whose selectors are all known
  kBranch,  // up to the branch on the selectors in `branches`
  kRest,    // after it
};

struct Request {
  Part part = Part::kWhole;
  bool predict = true;
  std::vector<std::uint32_t> branches;            // kBranch
  const std::vector<NodeId>* computed = nullptr;  // kRest: registers that the tape that branched left right
  bool predicts() const { return predict && part != Part::kBranch; }
};

class Needs {
 public:
  Needs(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
        const Request& request);

  enum class When : std::uint8_t { kNever, kEarly, kLate };
  // When the node is computed into its register.
  When node(NodeId id) const;
  // When a node whose symbol is another expression is put into its register nevertheless, for positions after
  // this one or for an operator that reads a register.
  When kept(NodeId id) const;

  // A token read at an index that hardly anybody else reads is one op with it.
  bool fused(NodeId index) const;
  // A sum of tokens around one position that nobody else reads: bytes that make a word.
  bool is_token_sum(NodeId id) const;
  bool absorbed(NodeId token_at) const { return absorbed_[token_at]; }
  // The index without its constant.
  Expr base_of_index(NodeId index) const;

  // Before the tape begins.
  bool in_register(NodeId id) const { return done_[id] || know_.carried(id); }

  bool enters(std::uint32_t store) const { return enters_[store]; }
  bool grows(std::uint32_t history) const { return grows_[history]; }

  // The registers that the prediction is tabulated by, and the number of their combinations (0: no table).
  const std::vector<NodeId>& base() const { return base_; }
  std::size_t entries() const { return entries_; }

 private:
  bool at_hand(const Expr& expr) const;
  void need(const Expr& expr);
  void need_raw(const Expr& expr);
  void need_parts(NodeId id);
  void need_all_parts();
  void need_index(NodeId at, unsigned weight);
  void keep(NodeId id);
  void keepers();
  void enter(const Store& store, std::uint32_t number);
  bool in_scope(NodeId id) const;
  bool kept_before(NodeId reader) const;
  void choose_base();
  std::vector<NodeId> base_of(NodeId id) const;
  Wide combinations(const std::vector<NodeId>& nodes) const;

  const Network& net_;
  const Split& split_;
  const Readers& readers_;
  Knowledge& know_;
  const Request& request_;
  std::vector<bool> needed_, parted_, kept_, done_, early_, kept_early_, absorbed_;
  std::vector<bool> enters_, grows_;  // per store, per history
  std::vector<unsigned> index_readers_, readers_of_;
  std::vector<NodeId> base_;
  std::size_t entries_ = 0;
};

}  // namespace tvm::plan
