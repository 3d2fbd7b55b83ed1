// Demand: which residual ops a tape holds, and when. It is followed backwards from what the tape is for.
//
// Enters: what is known of the nodes, and which part of a position the tape is for.  Leaves: `Demand`, read
// by tape.cpp.
//
// Sums, histories and the stores that the position enters are always extended, as later positions may read
// them. Of everything else only what an operator or the prediction reads is computed. The prediction is
// tabulated by a few registers with small intervals where there are such: they are demanded instead of the
// nodes that only combine them, and those nodes are late, as they are computed once for each entry of the
// table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "plan/specialize/residual_op.hpp"

namespace tvm::plan {

enum class Part : std::uint8_t {
  kWhole,   // a position whose selectors are all known
  kBranch,  // up to the branch on the selectors in `branches`
  kRest,    // after it
};

struct Request {
  Part part = Part::kWhole;
  bool predict = true;
  std::vector<std::uint32_t> branches = {};       // kBranch
  const std::vector<NodeId>* computed = nullptr;  // kRest: registers that the tape before the branch filled
  bool predicts() const { return predict && part != Part::kBranch; }
};

class Demand {
 public:
  Demand(const Subject& subject, PartialEvaluator& evaluator, const Request& request);

  enum class When : std::uint8_t { kNever, kEarly, kLate };
  // When the node is computed into its register, by op(id).
  When node(NodeId id) const;
  // When a node whose residual is another expression is "kept": put into its register nevertheless, for later
  // positions or for an operator that reads a register.
  When kept(NodeId id) const;

  // All that are computed or kept, ascending.
  const std::vector<NodeId>& wanted() const { return wanted_; }

  const ResidualOp& op(NodeId id) const { return *ops_[id]; }
  const std::vector<ResidualOp>& features() const { return features_; }
  // Null where the position enters no record.
  const ResidualInsert* insert(std::uint32_t store) const { return inserts_[store].get(); }
  // What this tape appends to the history, if it does.
  const std::optional<Expr>& appended(std::uint32_t history) const { return appended_[history]; }

  // Only one or two token ops read the index: they compute it themselves.
  bool fused(NodeId index) const;
  // A sum of tokens around one position, which have no other reader: bytes that make a word.
  bool is_token_sum(NodeId id) const;
  // A part of such a sum.
  bool absorbed(NodeId token_at) const { return absorbed_[token_at]; }
  // The index without its constant.
  Expr base_of_index(NodeId index) const;

  // Before the tape begins.
  bool in_register(NodeId id) const { return id <= kPositionNode || done_[id] || evaluator_.carried(id); }

  // What the prediction is tabulated by, and the number of combinations (0: no table).
  const std::vector<Expr>& base() const { return base_; }
  std::size_t entries() const { return entries_; }

 private:
  void need(const Expr& expr);
  void need(const ResidualOp& op);
  void need_register(NodeId at, unsigned weight);
  void follow();
  void keep(NodeId id);
  void need_history();
  bool in_scope(NodeId id) const;
  bool kept_before(NodeId reader) const;
  ResidualOp feature_op(const Expr& feature);
  void choose_base();
  std::vector<Expr> base_of(NodeId id);
  Wide combinations(const std::vector<Expr>& numbers) const;
  const ResidualOp& make_op(NodeId id);

  const Subject& subject_;
  const Network& net_;
  PartialEvaluator& evaluator_;
  const Request& request_;
  std::vector<std::unique_ptr<ResidualOp>> ops_;          // per node
  std::vector<std::unique_ptr<ResidualInsert>> inserts_;  // per store
  std::vector<std::optional<Expr>> appended_;             // per history
  std::vector<ResidualOp> features_;
  std::vector<bool> needed_, followed_, kept_, done_, early_, kept_early_, absorbed_;
  std::vector<unsigned> register_readers_, readers_;
  std::vector<NodeId> wanted_;
  std::vector<Expr> base_;
  std::size_t entries_ = 0;
};

}  // namespace tvm::plan
