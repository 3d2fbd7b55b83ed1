#include "plan/tape.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

// A table of next tokens has at most this many entries.
constexpr Wide kLongestTable = Wide{1} << 14;

class Builder {
 public:
  Builder(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
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
        index_readers_(network.nodes.size()),
        readers_of_(network.nodes.size()),
        absorbed_(network.nodes.size()) {
    if (request.before != nullptr)
      for (const NodeId id : request.before->computed) done_[id] = true;
  }

  Tape run() {
    keepers();
    if (request_.part == Part::kBranch) want_selectors();
    const bool predicts = request_.predict && request_.part != Part::kBranch;
    if (predicts) {
      tabulate();
      for (const NodeId id : early_) need_raw({{id, 1}});
    }
    need_all_parts();
    const std::vector<bool> early = needed_;
    std::vector<bool> kept_early = kept_;
    if (predicts)
      for (const Expr& feature : net_.features) need_raw(feature);
    need_all_parts();
    for (NodeId id = 0; id < net_.nodes.size(); ++id)
      if (needed_[id] && is_token_sum(id))
        for (const Term& term : know_.substitute(net_.nodes[id].value)) absorbed_[term.node] = true;
    // What is kept in passing can be kept at once where it is at hand.
    for (NodeId id = 0; id < net_.nodes.size(); ++id)
      if (kept_[id] && at_hand(know_.symbol(id), early)) kept_early[id] = true;
    for (NodeId id = 0; id < net_.nodes.size(); ++id) {
      enter_before(id);
      if (early[id] || (needed_[id] && tape_.predictions.empty())) emit(id);
      if (kept_early[id] || (kept_[id] && tape_.predictions.empty()))
        if (!needed_[id]) emit_kept(id);
    }
    if (!tape_.predictions.empty()) {
      tape_.ops.push_back({.code = Code::kRecall, .value = entry_});
      const std::size_t computed = tape_.computed.size();
      for (NodeId id = 0; id < net_.nodes.size(); ++id)
        if (needed_[id] && !early[id])
          emit(id);
        else if (kept_[id] && !kept_early[id] && !needed_[id])
          emit_kept(id);
      tape_.computed.resize(computed);
    }
    finish(predicts);
    return std::move(tape_);
  }

 private:
  bool at_hand(const Expr& expr, const std::vector<bool>& early) {
    return std::all_of(expr.begin(), expr.end(), [&](const Term& term) {
      return term.node <= kPositionNode || early[term.node] || in_register(term.node);
    });
  }
  bool in_register(NodeId id) { return done_[id] || know_.carried(id); }

  void need(const Expr& expr) {
    for (const Term& term : expr) {
      ++readers_of_[term.node];
      if (net_.nodes[term.node].kind == Kind::kIndex) index_readers_[term.node] += kOther;
      if (term.node > kPositionNode && !in_register(term.node)) needed_[term.node] = true;
    }
  }

  // The substituted expression, and the found values in it that were forwarded: they are kept in their
  // registers too, as the positions after this one may read them.
  void need_raw(const Expr& expr) {
    need(know_.substitute(expr));
    for (const Term& term : expr)
      if (net_.nodes[term.node].kind == Kind::kFound && know_.forwarded(term.node)) keep(term.node);
  }

  // Its value is put into its register even where its symbol is another expression.
  void keep(NodeId id) {
    std::int64_t value = 0;
    const Expr& symbol = know_.symbol(id);
    if (is_constant(symbol, value) || in_register(id)) return;
    if (symbol.size() == 1 && symbol[0].node == id)
      needed_[id] = true;
    else
      kept_[id] = true;
    need(symbol);
  }

  // Whether this tape is the one that keeps the node's history.
  bool in_scope(NodeId id) const {
    return request_.part == Part::kWhole || readers_.before_branch[id] == (request_.part == Part::kBranch);
  }

  // Whatever keeps history is needed at every position, in one tape of it.
  void keepers() {
    enters_.assign(net_.stores.size(), false);
    std::vector<bool> seen(net_.stores.size(), false);
    for (NodeId id = 0; id < net_.nodes.size(); ++id) {
      if (!readers_.live[id] || !in_scope(id)) continue;
      const Node& node = net_.nodes[id];
      if (node.kind == Kind::kSum) needed_[id] = true;
      if (node.kind == Kind::kHistoryAt && !kept_before(id)) need(know_.substitute(node.value));
      if (node.kind != Kind::kLookup || seen[node.table]) continue;
      seen[node.table] = true;
      if (know_.enters(node.table) == Knowledge::Entry::kNever || kept_before(id)) continue;
      enters_[node.table] = true;
      const Store& store = net_.stores[node.table];
      need(know_.substitute(store.clear));
      need(know_.substitute(store.key));
      const Insert::Proof proof = prove(store);
      if (proof == Insert::Proof::kCompute) {
        need(know_.substitute(square_.rest));
        for (const auto& product : square_.products) {
          need(know_.substitute(product.gate));
          need(know_.substitute(product.value));
        }
      }
      for (std::uint32_t c = 0; c < store.columns.size(); ++c)
        if (readers_.columns[node.table][c]) need(know_.substitute(store.columns[c]));
    }
  }

  // The tape before the branch keeps the store or history, for another node that reads it.
  bool kept_before(NodeId reader) const {
    if (request_.part != Part::kRest) return false;
    const Node& node = net_.nodes[reader];
    for (NodeId id = 0; id < net_.nodes.size(); ++id)
      if (readers_.live[id] && readers_.before_branch[id] && net_.nodes[id].kind == node.kind &&
          net_.nodes[id].table == node.table)
        return true;
    return false;
  }

  // How the squared key of this position is known to be one; leaves it in square_, without what is never
  // open.
  Insert::Proof prove(const Store& store) {
    square_ = square_of(net_, store);
    std::erase_if(square_.products,
                  [&](const auto& p) { return know_.range(know_.substitute(p.gate)).high <= 0; });
    const Expr key = know_.substitute(store.key);
    const Expr rest = know_.substitute(square_.rest);
    if (key.empty() && rest.empty() && square_.products.empty()) return Insert::Proof::kProved;
    if (!rest.empty() || square_.products.size() != 1 || square_.products[0].weight != 1)
      return Insert::Proof::kCompute;
    const Expr gate = know_.substitute(square_.products[0].gate);
    if (gate != know_.substitute(square_.products[0].value)) return Insert::Proof::kCompute;
    // The key may be a register that holds a sum; the gate is that sum.
    Expr sum;
    for (const Term& term : key) {
      const Node& node = net_.nodes[term.node];
      add_scaled(sum, node.kind == Kind::kLinear ? know_.substitute(node.value) : Expr{{term.node, 1}},
                 term.weight);
    }
    for (const std::int64_t sign : {1, -1}) {
      Expr rooted;
      add_scaled(rooted, sum, sign);
      if (rooted != gate) continue;
      sign_ = sign;
      return know_.range(gate).low >= 0 ? Insert::Proof::kProved : Insert::Proof::kSign;
    }
    return Insert::Proof::kCompute;
  }

  void want_selectors() {
    for (const auto s : request_.branches) {
      const Selector& selector = split_.selectors[s];
      if (selector.by == Selector::By::kValue)
        keep(selector.nodes[0]);
      else
        keep(selector.at);
    }
  }

  void need_all_parts() {
    for (NodeId id = static_cast<NodeId>(net_.nodes.size()); id-- > 0;)
      if (needed_[id] && !parted_[id]) {
        parted_[id] = true;
        need_parts(id);
      }
  }

  void need_parts(NodeId id) {
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
      case Kind::kFunction: return need_index(node.at, kOther);
      case Kind::kFound: return need_index(node.at, kOther);
      default: return;
    }
  }

  // A token read at an index is one op where nobody reads the index for something else, or many tokens
  // there (a weight of 1 marks a reader of a token).
  static constexpr unsigned kOther = 8, kFewReaders = 2;
  void need_index(NodeId at, unsigned weight) {
    const unsigned readers = index_readers_[at] + weight;
    keep(at);
    index_readers_[at] = readers;
    // An operator reads the register even where the index is known.
    std::int64_t value = 0;
    if (is_constant(know_.symbol(at), value) && !in_register(at)) kept_[at] = true;
  }
  bool fused(NodeId index) {
    return net_.nodes[index].kind == Kind::kIndex && needed_[index] && index_readers_[index] <= kFewReaders;
  }

  // A sum of tokens around one position that nobody else reads: bytes that make a word.
  bool is_token_sum(NodeId id) {
    if (net_.nodes[id].kind != Kind::kLinear) return false;
    const Expr sum = know_.substitute(net_.nodes[id].value);
    if (sum.size() < 3 || far(sum)) return false;
    const auto token_at = [&](const Term& term) -> const Node& { return net_.nodes[term.node]; };
    return std::all_of(sum.begin(), sum.end(), [&](const Term& term) {
      const Node &node = token_at(term), &first = token_at(sum[0]);
      if (node.kind != Kind::kTokenAt || first.kind != Kind::kTokenAt || node.table != first.table)
        return false;
      if (!needed_[term.node] || readers_of_[term.node] != 1 || !fused(node.at) || !fused(first.at))
        return false;
      if (net_.nodes[node.at].at != net_.nodes[first.at].at) return false;
      return base_of_index(node.at) == base_of_index(first.at);
    });
  }
  // The index without its constant.
  Expr base_of_index(NodeId index) {
    Expr value = know_.substitute(net_.nodes[index].value);
    if (!value.empty() && value[0].node == kOneNode) value.erase(value.begin());
    return value.size() == 1 && !far(value) ? value : Expr{{index, 1}};
  }

  void emit_token_sum(NodeId id) {
    const Expr sum = know_.substitute(net_.nodes[id].value);
    const Node& first = net_.nodes[sum[0].node];
    const NodeId upper = net_.nodes[first.at].at;
    Op op{.code = Code::kTokenSum,
          .to = id,
          .at = upper == kOneNode ? kPositionNode : upper,
          .tokens = tokens(first.table),
          .value = {}};
    op.value = linear(base_of_index(first.at));
    op.value.first = static_cast<std::uint32_t>(tape_.nears.size());
    op.value.more = static_cast<std::uint32_t>(sum.size());
    for (const Term& term : sum) {
      const Expr value = know_.substitute(net_.nodes[net_.nodes[term.node].at].value);
      tape_.nears.push_back({value[0].node == kOneNode ? value[0].weight : 0, term.weight});
    }
    tape_.ops.push_back(op);
  }

  Linear linear(const Expr& expr) {
    Linear result;
    bool head = true;
    for (const Term& term : expr) {
      if (term.node == kOneNode) {
        result.constant = term.weight;
      } else if (head) {
        result.weight = term.weight;
        result.node = term.node;
        result.first = static_cast<std::uint32_t>(tape_.terms.size());
        head = false;
      } else {
        tape_.terms.push_back(term);
        ++result.more;
      }
    }
    return result;
  }

  bool far(const Expr& expr) const { return may_leave(expr, net_.ranges); }

  // A store is entered just before anything looks into it, a history grows just before it is read.
  void enter_before(NodeId id) {
    const Node& node = net_.nodes[id];
    if (!readers_.live[id]) return;
    if (node.kind == Kind::kHistoryAt && in_scope(id) && !kept_before(id)) {
      grown_.resize(net_.histories.size(), false);
      if (grown_[node.table]) return;
      grown_[node.table] = true;
      push({.code = Code::kHistory, .table = node.table, .value = {}}, know_.substitute(node.value));
      return;
    }
    if (node.kind != Kind::kLookup || !enters_[node.table]) return;
    enters_[node.table] = false;
    const Store& store = net_.stores[node.table];
    Insert insert;
    const Expr key = know_.substitute(store.key), clear = know_.substitute(store.clear);
    std::int64_t fixed = 0;
    insert.fixed = is_constant(key, fixed);
    insert.key = checked(key);
    insert.clear = checked(clear);
    insert.always = clear.empty();
    insert.proof = prove(store);
    insert.sign = sign_;
    if (insert.proof == Insert::Proof::kCompute) {
      insert.rest = linear(know_.substitute(square_.rest));
      for (const auto& product : square_.products)
        insert.products.push_back({product.weight, linear(know_.substitute(product.gate)),
                                   linear(know_.substitute(product.value))});
    }
    for (std::uint32_t c = 0; c < store.columns.size(); ++c)
      insert.columns.push_back(
          checked(readers_.columns[node.table][c] ? know_.substitute(store.columns[c]) : Expr{}));
    Op op{.code = Code::kInsert, .table = node.table, .value = {}};
    op.part = static_cast<std::uint32_t>(tape_.inserts.size());
    tape_.inserts.push_back(std::move(insert));
    tape_.ops.push_back(op);
  }

  // An expression that may leave 64 bits is checked by an op of its own just before it is used; all else
  // is computed modulo 2^64, which for what stays within is exact.
  Linear checked(const Expr& expr) {
    const Linear result = linear(expr);
    if (far(expr)) tape_.ops.push_back({.code = Code::kCheck, .value = result});
    return result;
  }
  void push(Op op, const Expr& value) {
    op.value = checked(value);
    tape_.ops.push_back(op);
  }
  const std::int64_t* tokens(std::uint32_t table) const { return net_.tables[table].data(); }

  void emit_kept(NodeId id) {
    push({.code = Code::kLinear, .to = id, .value = {}}, know_.symbol(id));
    tape_.computed.push_back(id);
  }

  void emit(NodeId id) {
    const Node& node = net_.nodes[id];
    if (fused(id) || absorbed_[id]) return;
    tape_.computed.push_back(id);
    if (is_token_sum(id)) return emit_token_sum(id);
    Op op{.code = Code::kLinear, .to = id, .at = node.at, .table = node.table, .value = {}};
    switch (node.kind) {
      case Kind::kToken:
        op.code = Code::kToken;
        op.tokens = tokens(node.table);
        return tape_.ops.push_back(op);
      case Kind::kLinear: return push(op, know_.substitute(node.value));
      case Kind::kIndex:
        op.code = Code::kIndex;
        if (node.at == kOneNode) op.at = kPositionNode;
        return push(op, know_.substitute(node.value));
      case Kind::kTokenAt: return emit_token_at(op, node);
      case Kind::kHistoryAt: op.code = Code::kHistoryAt; return tape_.ops.push_back(op);
      case Kind::kFunction: op.code = Code::kFunction; return tape_.ops.push_back(op);
      case Kind::kSum: {
        const Expr value = know_.substitute(net_.means[node.table].value);
        if (!counts_all(net_, node)) {
          op.code = Code::kSum;
          return gated(op, know_.substitute(node.gate), value);
        }
        // The gate counts all positions: the register is the sum, and stays when nothing is added.
        if (value.empty()) return;
        op.code = Code::kAddToSum;
        return push(op, value);
      }
      case Kind::kLookup: op.code = Code::kLookup; return push(op, know_.substitute(node.value));
      case Kind::kFound:
        op.code = Code::kFound;
        op.table = net_.nodes[node.at].table;
        op.part = node.table;
        return tape_.ops.push_back(op);
      case Kind::kEqual:
        if (know_.is_match(id)) {
          const Node& found = net_.nodes[node.value[0].node];
          op.code = Code::kMatch;
          op.table = net_.nodes[found.at].table;
          op.part = found.table;
          return push(op, know_.substitute(net_.nodes[found.at].value));
        }
        [[fallthrough]];
      case Kind::kProduct:
      case Kind::kStep:
        op.code = node.kind == Kind::kProduct ? Code::kProduct
                  : node.kind == Kind::kStep  ? Code::kStep
                                              : Code::kEqual;
        return gated(op, know_.substitute(node.gate), know_.substitute(node.value));
      default: return;
    }
  }

  void gated(Op op, const Expr& gate, const Expr& value) {
    op.part = static_cast<std::uint32_t>(tape_.gates.size());
    tape_.gates.push_back(checked(gate));
    push(op, value);
  }

  void emit_token_at(Op op, const Node& node) {
    op.tokens = tokens(node.table);
    op.code = Code::kTokenAt;
    if (!fused(node.at)) return tape_.ops.push_back(op);
    const Node& index = net_.nodes[node.at];
    op.code = Code::kTokenNear;
    op.at = index.at == kOneNode ? kPositionNode : index.at;
    push(op, know_.substitute(index.value));
  }

  void finish(bool predicts) {
    Op op{.code = Code::kEnd, .value = {}};
    if (request_.part == Part::kBranch) {
      op.code = Code::kBranch;
      tape_.branches = request_.branches;
      tape_.targets = 1;
      for (const auto s : request_.branches) tape_.targets *= split_.selectors[s].cases() + 1;
    } else if (predicts) {
      op.code = Code::kPredict;
      op.value = entry_;
      for (const Expr& feature : net_.features) {
        tape_.features.push_back(checked(know_.substitute(feature)));
      }
    }
    tape_.ops.push_back(op);
  }

  // The registers that the prediction is tabulated by: instead of nodes that only combine others (and
  // that nothing else needs), what they combine, while there are few combinations. The ops for
  // those nodes then come after kRecall: they run once for each entry.
  void tabulate() {
    std::vector<NodeId> roots;
    for (const Expr& feature : net_.features)
      for (const Term& term : know_.substitute(feature))
        if (term.node != kOneNode) add_unique(roots, term.node);
    std::vector<NodeId> base;
    for (const NodeId root : roots)
      for (const NodeId id : base_of(root)) add_unique(base, id);
    Wide size = combinations(base);
    if (size > kLongestTable) size = combinations(base = roots);
    if (size > kLongestTable) return;
    Expr entry;
    std::int64_t stride = 1;
    std::sort(base.begin(), base.end());
    for (const NodeId id : base) {
      const Range range = know_.range({{id, 1}});
      add_scaled(entry, {{id, 1}}, stride);
      add_scaled(entry, constant(static_cast<std::int64_t>(range.low)), -stride);
      stride *= static_cast<std::int64_t>(range.high - range.low + 1);
    }
    tape_.predictions = std::vector<std::atomic<std::int32_t>>(static_cast<std::size_t>(size));
    entry_ = linear(entry);
    // What is only reached through the base runs late.
    early_ = base;
  }

  static void add_unique(std::vector<NodeId>& nodes, NodeId id) {
    if (std::find(nodes.begin(), nodes.end(), id) == nodes.end()) nodes.push_back(id);
  }
  Wide combinations(const std::vector<NodeId>& nodes) const {
    Wide size = 1;
    for (const NodeId id : nodes) {
      const Range range = know_.range({{id, 1}});
      if (range.high - range.low >= kLongestTable) return kLongestTable + 1;
      size = std::min<Wide>(size * (range.high - range.low + 1), kLongestTable + 1);
    }
    return size;
  }
  std::vector<NodeId> base_of(NodeId id) {
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

  const Network& net_;
  const Split& split_;
  const Readers& readers_;
  Knowledge& know_;
  const Request& request_;
  std::vector<bool> needed_, parted_, kept_, done_, enters_, grown_;
  Linear entry_;               // of tape_.predictions
  std::vector<NodeId> early_;  // registers that the prediction is tabulated by
  std::vector<unsigned> index_readers_, readers_of_;
  std::vector<bool> absorbed_;  // into a token sum
  Square square_;
  std::int64_t sign_ = 0;
  Tape tape_;
};

}  // namespace

Tape build_tape(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
                const Request& request) {
  return Builder(network, split, readers, knowledge, request).run();
}

}  // namespace tvm::plan
