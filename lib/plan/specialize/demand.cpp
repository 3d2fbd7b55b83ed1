#include "plan/specialize/demand.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

// A table of predictions has at most this many entries.
constexpr Wide kLongestTable = Wide{1} << 14;
// One that saves an operator may be so much longer for it.
constexpr Wide kWorthLonger = 16;
// An index with at most kFewReaders readers is computed by them. A token op counts as one reader; every other
// operator counts as kOther, too many.
constexpr unsigned kOther = 8, kFewReaders = 2;

void add_unique(std::vector<Expr>& numbers, const Expr& number) {
  if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
}

}  // namespace

Demand::Demand(const Subject& subject, PartialEvaluator& evaluator, const Request& request)
    : subject_(subject),
      net_(subject.network),
      evaluator_(evaluator),
      request_(request),
      ops_(net_.nodes.size()),
      inserts_(net_.stores.size()),
      appended_(net_.histories.size()),
      needed_(net_.nodes.size()),
      followed_(net_.nodes.size()),
      kept_(net_.nodes.size()),
      done_(net_.nodes.size()),
      absorbed_(net_.nodes.size()),
      register_readers_(net_.nodes.size()),
      readers_(net_.nodes.size()) {
  if (request.computed != nullptr)
    for (const NodeId id : *request.computed) done_[id] = true;
  need_history();
  for (const auto s : request.branches)
    need_register(subject.division.selectors[s].branch_register(), kOther);
  if (request.predicts()) {
    for (const Expr& feature : net_.features) features_.push_back(feature_op(feature));
    choose_base();
    for (const Expr& number : base_) need(residual_read(net_, evaluator_, number));
  }
  follow();
  early_ = needed_;
  kept_early_ = kept_;
  for (const ResidualOp& feature : features_) need(feature);
  follow();
  if (entries_ == 0) {
    early_ = needed_;
    kept_early_ = kept_;
  }
  for (NodeId id = 0; id < net_.nodes.size(); ++id) {
    if (!needed_[id] && !kept_[id]) continue;
    wanted_.push_back(id);
    if (needed_[id] && is_token_sum(id))
      for (const Term& term : op(id).value) absorbed_[term.node] = true;
    // A value that only late nodes want in its register is put there early if its operands are filled by
    // then.
    if (kept_[id]) {
      const Expr& residual = evaluator.residual(id);
      if (std::all_of(residual.begin(), residual.end(),
                      [&](const Term& term) { return early_[term.node] || in_register(term.node); }))
        kept_early_[id] = true;
    }
  }
}

Demand::When Demand::node(NodeId id) const {
  return early_[id] ? When::kEarly : needed_[id] ? When::kLate : When::kNever;
}

Demand::When Demand::kept(NodeId id) const {
  if (needed_[id] || !kept_[id]) return When::kNever;
  return kept_early_[id] ? When::kEarly : When::kLate;
}

void Demand::need(const Expr& expr) {
  for (const Term& term : expr) {
    ++readers_[term.node];
    if (net_.nodes[term.node].kind == Kind::kIndex) register_readers_[term.node] += kOther;
    if (!in_register(term.node)) needed_[term.node] = true;
  }
}

void Demand::need(const ResidualOp& op) {
  need(op.gate);
  need(op.value);
  for (const NodeId found : op.forwarded) keep(found);
  if (op.at != kPositionNode) need_register(op.at, op.code == Code::kTokenAt ? 1 : kOther);
}

// An operator reads the register, even where the node is a constant.
void Demand::need_register(NodeId id, unsigned weight) {
  if (id == kPositionNode) return;
  const unsigned readers = register_readers_[id] + weight;
  keep(id);
  register_readers_[id] = readers;
  if (constant_of(evaluator_.residual(id)) && !in_register(id)) kept_[id] = true;
}

// The value is put into its register even where its residual is another expression.
void Demand::keep(NodeId id) {
  const Expr& residual = evaluator_.residual(id);
  if (constant_of(residual) || in_register(id)) return;
  if (residual == Expr{{id, 1}})
    needed_[id] = true;
  else
    kept_[id] = true;
  need(residual);
}

// Demands the operands of all ops that are demanded.
void Demand::follow() {
  for (NodeId id = static_cast<NodeId>(net_.nodes.size()); id-- > 0;)
    if (needed_[id] && !followed_[id]) {
      followed_[id] = true;
      need(make_op(id));
    }
}

const ResidualOp& Demand::make_op(NodeId id) {
  if (ops_[id] == nullptr) ops_[id] = std::make_unique<ResidualOp>(residual_op(net_, evaluator_, id));
  return *ops_[id];
}

bool Demand::fused(NodeId index) const {
  return needed_[index] && op(index).code == Code::kIndex && register_readers_[index] <= kFewReaders;
}

bool Demand::is_token_sum(NodeId id) const {
  if (net_.nodes[id].kind != Kind::kLinear) return false;
  const Expr& sum = op(id).value;
  if (sum.size() < 3 || may_leave(sum, net_.intervals) || !needed_[sum[0].node]) return false;
  const ResidualOp& first = op(sum[0].node);
  return std::all_of(sum.begin(), sum.end(), [&](const Term& term) {
    if (!needed_[term.node] || readers_[term.node] != 1) return false;
    const ResidualOp& token = op(term.node);
    return token.code == Code::kTokenAt && token.tokens == first.tokens && fused(token.at) &&
           op(token.at).at == op(first.at).at && base_of_index(token.at) == base_of_index(first.at);
  });
}

Expr Demand::base_of_index(NodeId index) const {
  Expr value = op(index).value;
  const bool leaves = may_leave(value, net_.intervals);
  if (!value.empty() && value[0].node == kOneNode) value.erase(value.begin());
  return value.size() == 1 && !leaves ? value : Expr{{index, 1}};
}

// A position with a branch has two tapes. Each node's history is extended by one of them: by this one?
bool Demand::in_scope(NodeId id) const {
  return request_.part == Part::kWhole || subject_.uses.before_branch[id] == (request_.part == Part::kBranch);
}

// The tape before the branch has extended the store or history, because another node that reads it is there.
bool Demand::kept_before(NodeId reader) const {
  if (request_.part != Part::kRest) return false;
  const Node& node = net_.nodes[reader];
  return std::any_of(subject_.uses.keepers.begin(), subject_.uses.keepers.end(), [&](NodeId id) {
    return subject_.uses.before_branch[id] && net_.nodes[id].kind == node.kind &&
           net_.nodes[id].index == node.index;
  });
}

// Sums, stores and histories are extended at every position, whether the position reads them or not.
void Demand::need_history() {
  std::vector<bool> seen(net_.stores.size(), false);
  for (const NodeId id : subject_.uses.keepers) {
    if (!in_scope(id)) continue;
    const Node& node = net_.nodes[id];
    if (node.kind == Kind::kSum) needed_[id] = true;
    if (node.kind == Kind::kHistoryAt && !kept_before(id)) {
      appended_[node.index] = evaluator_.substitute(node.value);
      need(*appended_[node.index]);
    }
    if (node.kind != Kind::kLookup || seen[node.index]) continue;
    seen[node.index] = true;
    if (evaluator_.enters(node.index) == PartialEvaluator::Entry::kNever || kept_before(id)) continue;
    auto& insert = inserts_[node.index];
    insert = std::make_unique<ResidualInsert>(residual_insert(subject_, evaluator_, node.index));
    for_each_operand(*insert, [&](const Expr& expr) { need(expr); });
  }
}

// Sums among its terms are taken apart where others cancel theirs: a feature that adds a column, and to that
// a carry less the column, is the carry.
ResidualOp Demand::feature_op(const Expr& feature) {
  ResidualOp op = residual_read(net_, evaluator_, feature);
  for (std::size_t i = op.value.size(); i-- > 0;) {
    const Term term = op.value[i];
    if (net_.nodes[term.node].kind != Kind::kLinear || evaluator_.residual(term.node) != Expr{{term.node, 1}})
      continue;
    const ResidualOp sum = residual_read(net_, evaluator_, net_.nodes[term.node].value);
    Expr apart = op.value;
    add_scaled(apart, {{term}}, -1);
    add_scaled(apart, sum.value, term.weight);
    const Interval now = evaluator_.interval(op.value), then = evaluator_.interval(apart);
    if (apart.size() > op.value.size() || then.high - then.low >= now.high - now.low) continue;
    op.value = std::move(apart);
    op.forwarded.insert(op.forwarded.end(), sum.forwarded.begin(), sum.forwarded.end());
    i = op.value.size();
  }
  return op;
}

void Demand::choose_base() {
  std::vector<Expr> roots;
  for (const ResidualOp& feature : features_)
    for (const Term& term : feature.value)
      if (term.node != kOneNode) add_unique(roots, {{term.node, 1}});
  for (const Expr& root : roots)
    for (const Expr& number : base_of(root[0].node)) add_unique(base_, number);
  if (combinations(base_) > kLongestTable) base_ = roots;
  if (combinations(base_) > kLongestTable) {
    base_.clear();
    for (const ResidualOp& feature : features_)
      if (!constant_of(feature.value)) add_unique(base_, feature.value);
  }
  if (combinations(base_) > kLongestTable) return base_.clear();
  entries_ = static_cast<std::size_t>(combinations(base_));
  std::sort(base_.begin(), base_.end());
}

// The node, or what it combines, while there are few combinations.
std::vector<Expr> Demand::base_of(NodeId id) {
  const Node& node = net_.nodes[id];
  const std::vector<Expr> itself{{{id, 1}}};
  if (in_register(id) || (node.kind != Kind::kLinear && !node.is_gated())) return itself;
  const ResidualOp& op = make_op(id);
  if (op.code == Code::kMatch) return itself;
  std::vector<Expr> base;
  for (const Expr* expr : {&op.value, &op.gate})
    for (const Term& term : *expr)
      if (term.node != kOneNode)
        for (const Expr& part : base_of(term.node)) add_unique(base, part);
  return combinations(base) <= std::min(kLongestTable, kWorthLonger * combinations(itself)) ? base : itself;
}

Wide Demand::combinations(const std::vector<Expr>& numbers) const {
  Wide size = 1;
  for (const Expr& number : numbers) {
    const Interval interval = evaluator_.interval(number);
    if (interval.high - interval.low >= kLongestTable) return kLongestTable + 1;
    size = std::min<Wide>(size * (interval.high - interval.low + 1), kLongestTable + 1);
  }
  return size;
}

}  // namespace tvm::plan
