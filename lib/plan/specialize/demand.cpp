#include "plan/specialize/demand.hpp"

#include <algorithm>

#include "plan/specialize/square_proof.hpp"

namespace tvm::plan {
namespace {

// A table of predictions has at most this many entries.
constexpr Wide kLongestTable = Wide{1} << 14;
// Readers of an index: tokens there count 1 each, whoever else reads its register counts more than are few.
constexpr unsigned kOther = 8, kFewReaders = 2;

void add_unique(std::vector<NodeId>& nodes, NodeId id) {
  if (std::find(nodes.begin(), nodes.end(), id) == nodes.end()) nodes.push_back(id);
}

}  // namespace

Needs::Needs(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
             const Request& request)
    : net_(network),
      split_(split),
      readers_(readers),
      know_(knowledge),
      request_(request),
      needed_(network.nodes.size()),
      parted_(network.nodes.size()),
      kept_(network.nodes.size()),
      done_(network.nodes.size()),
      absorbed_(network.nodes.size()),
      enters_(network.stores.size()),
      grows_(network.histories.size()),
      index_readers_(network.nodes.size()),
      readers_of_(network.nodes.size()) {
  if (request.computed != nullptr)
    for (const NodeId id : *request.computed) done_[id] = true;
  keepers();
  for (const auto s : request.branches) {
    const Selector& selector = split.selectors[s];
    need_index(selector.by == Selector::By::kValue ? selector.nodes[0] : selector.at, kOther);
  }
  if (request.predicts()) {
    choose_base();
    for (const NodeId id : base_) need_raw({{id, 1}});
  }
  need_all_parts();
  early_ = needed_;
  kept_early_ = kept_;
  if (request.predicts())
    for (const Expr& feature : network.features) need_raw(feature);
  need_all_parts();
  if (entries_ == 0) {
    early_ = needed_;
    kept_early_ = kept_;
  }
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    if (needed_[id] && is_token_sum(id))
      for (const Term& term : knowledge.substitute(network.nodes[id].value)) absorbed_[term.node] = true;
    // What is kept in passing can be kept at once where it is at hand.
    if (kept_[id] && at_hand(knowledge.symbol(id))) kept_early_[id] = true;
  }
}

Needs::When Needs::node(NodeId id) const {
  return early_[id] ? When::kEarly : needed_[id] ? When::kLate : When::kNever;
}

Needs::When Needs::kept(NodeId id) const {
  if (needed_[id] || !kept_[id]) return When::kNever;
  return kept_early_[id] ? When::kEarly : When::kLate;
}

bool Needs::at_hand(const Expr& expr) const {
  return std::all_of(expr.begin(), expr.end(), [&](const Term& term) {
    return term.node <= kPositionNode || early_[term.node] || in_register(term.node);
  });
}

void Needs::need(const Expr& expr) {
  for (const Term& term : expr) {
    ++readers_of_[term.node];
    if (net_.nodes[term.node].kind == Kind::kIndex) index_readers_[term.node] += kOther;
    if (term.node > kPositionNode && !in_register(term.node)) needed_[term.node] = true;
  }
}

// The substituted expression, and the found values in it that were forwarded: they are kept in their
// registers too, as the positions after this one may read them.
void Needs::need_raw(const Expr& expr) {
  need(know_.substitute(expr));
  for (const Term& term : expr)
    if (net_.nodes[term.node].kind == Kind::kFound && know_.forwarded(term.node)) keep(term.node);
}

// Its value is put into its register even where its symbol is another expression.
void Needs::keep(NodeId id) {
  std::int64_t value = 0;
  const Expr& symbol = know_.symbol(id);
  if (is_constant(symbol, value) || in_register(id)) return;
  if (symbol.size() == 1 && symbol[0].node == id)
    needed_[id] = true;
  else
    kept_[id] = true;
  need(symbol);
}

void Needs::need_all_parts() {
  for (NodeId id = static_cast<NodeId>(net_.nodes.size()); id-- > 0;)
    if (needed_[id] && !parted_[id]) {
      parted_[id] = true;
      need_parts(id);
    }
}

void Needs::need_parts(NodeId id) {
  const Node& node = net_.nodes[id];
  switch (node.kind) {
    case Kind::kLinear:
    case Kind::kLookup: return need_raw(node.value);
    case Kind::kEqual:
      if (know_.is_match(id)) return need_raw(net_.nodes[net_.nodes[node.value[0].node].at].value);
      [[fallthrough]];
    case Kind::kProduct:
    case Kind::kStep: need_raw(node.gate); return need_raw(node.value);
    case Kind::kSum: need_raw(node.gate); return need_raw(net_.means[node.table].value);
    case Kind::kIndex:
      need_raw(node.value);
      if (node.at != kOneNode) need_index(node.at, kOther);
      return;
    case Kind::kTokenAt: return need_index(node.at, 1);
    case Kind::kHistoryAt:
    case Kind::kFunction:
    case Kind::kFound: return need_index(node.at, kOther);
    default: return;
  }
}

void Needs::need_index(NodeId at, unsigned weight) {
  const unsigned readers = index_readers_[at] + weight;
  keep(at);
  index_readers_[at] = readers;
  // An operator reads the register even where the index is known.
  std::int64_t value = 0;
  if (is_constant(know_.symbol(at), value) && !in_register(at)) kept_[at] = true;
}

bool Needs::fused(NodeId index) const {
  return net_.nodes[index].kind == Kind::kIndex && needed_[index] && index_readers_[index] <= kFewReaders;
}

bool Needs::is_token_sum(NodeId id) const {
  if (net_.nodes[id].kind != Kind::kLinear) return false;
  const Expr sum = know_.substitute(net_.nodes[id].value);
  if (sum.size() < 3 || may_leave(sum, net_.ranges)) return false;
  const Node& first = net_.nodes[sum[0].node];
  return std::all_of(sum.begin(), sum.end(), [&](const Term& term) {
    const Node& node = net_.nodes[term.node];
    if (node.kind != Kind::kTokenAt || first.kind != Kind::kTokenAt || node.table != first.table)
      return false;
    if (!needed_[term.node] || readers_of_[term.node] != 1 || !fused(node.at) || !fused(first.at))
      return false;
    return net_.nodes[node.at].at == net_.nodes[first.at].at &&
           base_of_index(node.at) == base_of_index(first.at);
  });
}

Expr Needs::base_of_index(NodeId index) const {
  Expr value = know_.substitute(net_.nodes[index].value);
  const bool leaves = may_leave(value, net_.ranges);
  if (!value.empty() && value[0].node == kOneNode) value.erase(value.begin());
  return value.size() == 1 && !leaves ? value : Expr{{index, 1}};
}

// Whether this tape is the one that keeps the node's history.
bool Needs::in_scope(NodeId id) const {
  return request_.part == Part::kWhole || readers_.before_branch[id] == (request_.part == Part::kBranch);
}

// The tape before the branch keeps the store or history, for another node that reads it.
bool Needs::kept_before(NodeId reader) const {
  if (request_.part != Part::kRest) return false;
  const Node& node = net_.nodes[reader];
  for (NodeId id = 0; id < net_.nodes.size(); ++id)
    if (readers_.live[id] && readers_.before_branch[id] && net_.nodes[id].kind == node.kind &&
        net_.nodes[id].table == node.table)
      return true;
  return false;
}

// Whatever keeps history is needed at every position, in one tape of it.
void Needs::keepers() {
  std::vector<bool> seen(net_.stores.size(), false);
  for (NodeId id = 0; id < net_.nodes.size(); ++id) {
    if (!readers_.live[id] || !in_scope(id)) continue;
    const Node& node = net_.nodes[id];
    if (node.kind == Kind::kSum) needed_[id] = true;
    if (node.kind == Kind::kHistoryAt && !kept_before(id)) {
      grows_[node.table] = true;
      need(know_.substitute(node.value));
    }
    if (node.kind != Kind::kLookup || seen[node.table]) continue;
    seen[node.table] = true;
    if (know_.enters(node.table) != Knowledge::Entry::kNever && !kept_before(id))
      enter(net_.stores[node.table], node.table);
  }
}

void Needs::enter(const Store& store, std::uint32_t number) {
  enters_[number] = true;
  need(know_.substitute(store.clear));
  need(know_.substitute(store.key));
  const SquareProof proof = prove_square(net_, know_, store);
  if (proof.how == SquareProof::How::kCompute) {
    need(know_.substitute(proof.square.rest));
    for (const auto& product : proof.square.products) {
      need(know_.substitute(product.gate));
      need(know_.substitute(product.value));
    }
  }
  for (std::uint32_t c = 0; c < store.columns.size(); ++c)
    if (readers_.columns[number][c]) need(know_.substitute(store.columns[c]));
}

void Needs::choose_base() {
  std::vector<NodeId> roots;
  for (const Expr& feature : net_.features)
    for (const Term& term : know_.substitute(feature))
      if (term.node != kOneNode) add_unique(roots, term.node);
  for (const NodeId root : roots)
    for (const NodeId id : base_of(root)) add_unique(base_, id);
  if (combinations(base_) > kLongestTable) base_ = roots;
  if (combinations(base_) > kLongestTable) return base_.clear();
  entries_ = static_cast<std::size_t>(combinations(base_));
  std::sort(base_.begin(), base_.end());
}

// The node, or what it combines, while there are few combinations.
std::vector<NodeId> Needs::base_of(NodeId id) const {
  const Node& node = net_.nodes[id];
  const bool gated = node.kind == Kind::kProduct || node.kind == Kind::kStep ||
                     (node.kind == Kind::kEqual && !know_.is_match(id));
  if (in_register(id) || (node.kind != Kind::kLinear && !gated)) return {id};
  std::vector<NodeId> base;
  for (const Expr* expr : {&node.value, &node.gate})
    for (const Term& term : know_.substitute(*expr))
      if (term.node != kOneNode)
        for (const NodeId part : base_of(term.node)) add_unique(base, part);
  return combinations(base) <= kLongestTable ? base : std::vector<NodeId>{id};
}

Wide Needs::combinations(const std::vector<NodeId>& nodes) const {
  Wide size = 1;
  for (const NodeId id : nodes) {
    const Range range = know_.range({{id, 1}});
    if (range.high - range.low >= kLongestTable) return kLongestTable + 1;
    size = std::min<Wide>(size * (range.high - range.low + 1), kLongestTable + 1);
  }
  return size;
}

}  // namespace tvm::plan
