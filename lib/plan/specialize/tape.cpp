#include "plan/specialize/tape.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tvm::plan {
namespace {

// So many products are better computed together.
constexpr std::size_t kWorthBatch = 8;
// Integers below this are float64.
constexpr Wide kExactFloat = Wide{1} << 53;

class Builder {
 public:
  Builder(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
          const Request& request)
      : net_(network),
        split_(split),
        readers_(readers),
        know_(knowledge),
        request_(request),
        needs_(network, split, readers, knowledge, request),
        entered_(network.stores.size()),
        grown_(network.histories.size()),
        in_register_(network.nodes.size()) {}

  Tape run() {
    for (NodeId id = 0; id < net_.nodes.size(); ++id) {
      if (readers_.live[id]) enter_before(id);
      emit(id, Needs::When::kEarly);
    }
    if (needs_.entries() > 0) recall();
    finish();
    return std::move(tape_);
  }

 private:
  void emit(NodeId id, Needs::When when) {
    if (in_register_[id]) return;
    if (needs_.node(id) == when) emit_node(id);
    if (needs_.kept(id) == when) emit_kept(id);
  }

  // The table of predictions; what is computed after it is only to be relied on where an entry is missing.
  void recall() {
    Expr entry;
    std::int64_t stride = 1;
    for (const NodeId id : needs_.base()) {
      const Range range = know_.range({{id, 1}});
      add_scaled(entry, {{id, 1}}, stride);
      add_scaled(entry, constant(static_cast<std::int64_t>(range.low)), -stride);
      stride *= static_cast<std::int64_t>(range.high - range.low + 1);
    }
    entry_ = linear(entry);
    tape_.predictions = std::vector<Prediction>(needs_.entries());
    tape_.ops.push_back({.code = Code::kRecall, .value = entry_});
    const std::size_t computed = tape_.computed.size();
    for (NodeId id = 0; id < net_.nodes.size(); ++id) emit(id, Needs::When::kLate);
    tape_.computed.resize(computed);
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
    op.value = linear(needs_.base_of_index(first.at));
    op.value.first = static_cast<std::uint32_t>(tape_.nears.size());
    op.value.more = static_cast<std::uint32_t>(sum.size());
    for (const Term& term : sum) {
      const Expr value = know_.substitute(net_.nodes[net_.nodes[term.node].at].value);
      tape_.nears.push_back({value[0].node == kOneNode ? value[0].weight : 0, term.weight});
    }
    std::sort(tape_.nears.begin() + op.value.first, tape_.nears.end(),
              [](const Near& a, const Near& b) { return a.offset < b.offset; });
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

  // A store is entered just before anything looks into it, a history grows just before it is read.
  void enter_before(NodeId id) {
    const Node& node = net_.nodes[id];
    if (node.kind == Kind::kHistoryAt && needs_.grows(node.table) && !grown_[node.table]) {
      grown_[node.table] = true;
      push({.code = Code::kHistory, .table = node.table, .value = {}}, know_.substitute(node.value));
    }
    if (node.kind == Kind::kLookup && needs_.enters(node.table) && !entered_[node.table]) {
      entered_[node.table] = true;
      enter(net_.stores[node.table], node.table);
    }
  }

  void enter(const Store& store, std::uint32_t number) {
    Insert insert;
    const Expr key = know_.substitute(store.key), clear = know_.substitute(store.clear);
    std::int64_t fixed = 0;
    insert.fixed = is_constant(key, fixed);
    insert.key = checked(key);
    insert.clear = checked(clear);
    insert.always = clear.empty();
    const SquareProof proof = prove_square(net_, know_, store);
    insert.proof = proof.how;
    insert.sign = proof.sign;
    if (proof.how == SquareProof::How::kCompute) {
      insert.rest = linear(know_.substitute(proof.square.rest));
      for (const auto& product : proof.square.products)
        insert.products.push_back({product.weight, linear(know_.substitute(product.gate)),
                                   linear(know_.substitute(product.value))});
    }
    for (std::uint32_t c = 0; c < store.columns.size(); ++c)
      insert.columns.push_back(
          checked(readers_.columns[number][c] ? know_.substitute(store.columns[c]) : Expr{}));
    Op op{.code = Code::kInsert, .table = number, .value = {}};
    op.part = static_cast<std::uint32_t>(tape_.inserts.size());
    tape_.inserts.push_back(std::move(insert));
    tape_.ops.push_back(op);
  }

  // An expression that may leave 64 bits is checked by an op of its own just before it is used; all else
  // is computed modulo 2^64, which for what stays within is exact.
  Linear checked(const Expr& expr) {
    const Linear result = linear(expr);
    if (may_leave(expr, net_.ranges)) tape_.ops.push_back({.code = Code::kCheck, .value = result});
    return result;
  }
  void push(Op op, const Expr& value) {
    op.value = checked(value);
    tape_.ops.push_back(op);
  }
  const std::int64_t* tokens(std::uint32_t table) const { return net_.tables[table].data(); }

  void emit_kept(NodeId id) {
    in_register_[id] = true;
    push({.code = Code::kLinear, .to = id, .value = {}}, know_.symbol(id));
    tape_.computed.push_back(id);
  }

  void emit_node(NodeId id) {
    const Node& node = net_.nodes[id];
    if (needs_.fused(id) || needs_.absorbed(id) || batch(id)) return;
    in_register_[id] = true;
    tape_.computed.push_back(id);
    if (needs_.is_token_sum(id)) return emit_token_sum(id);
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

  // A product or step, and with it all later ones that can be computed by now, where they are many.
  bool batch(NodeId first) {
    if (!can_batch(first)) return false;
    std::vector<NodeId> nodes;
    for (NodeId id = first; id < net_.nodes.size(); ++id)
      if (needs_.node(id) == needs_.node(first) && !in_register_[id] && can_batch(id)) nodes.push_back(id);
    if (nodes.size() < kWorthBatch) return false;
    // Gates that read the same registers side by side.
    std::vector<std::pair<Expr, NodeId>> gates;
    for (const NodeId id : nodes) {
      Expr gate = know_.substitute(net_.nodes[id].gate);
      std::reverse(gate.begin(), gate.end());
      gates.emplace_back(std::move(gate), id);
    }
    std::sort(gates.begin(), gates.end());
    Batch batch;
    batch.constants.assign(gates.size(), 0.0);
    std::map<NodeId, Batch::Column> columns;
    for (std::size_t i = 0; i < gates.size(); ++i) {
      const auto& [gate, id] = gates[i];
      const Node& node = net_.nodes[id];
      batch.ops.push_back({.code = node.kind == Kind::kStep ? Code::kStep : Code::kProduct,
                           .to = id,
                           .value = linear(know_.substitute(node.value))});
      batch.to.push_back(id);
      in_register_[id] = true;
      tape_.computed.push_back(id);
      for (const Term& term : gate) {
        if (term.node == kOneNode) {
          batch.constants[i] = static_cast<double>(term.weight);
          continue;
        }
        Batch::Column& column = columns[term.node];
        if (column.weights.empty()) column.from = term.node, column.begin = i;
        column.weights.resize(i + 1 - column.begin);
        column.weights.back() = static_cast<double>(term.weight);
      }
    }
    for (auto& [from, column] : columns) batch.columns.push_back(std::move(column));
    tape_.ops.push_back(
        {.code = Code::kBatch, .part = static_cast<std::uint32_t>(tape_.batches.size()), .value = {}});
    tape_.batches.push_back(std::move(batch));
    return true;
  }

  // A product or step that reads what is there, its value within 64 bits and its gate exact in float64.
  bool can_batch(NodeId id) {
    const Node& node = net_.nodes[id];
    if (node.kind != Kind::kProduct && node.kind != Kind::kStep) return false;
    const Expr gate = know_.substitute(node.gate), value = know_.substitute(node.value);
    Wide reach = 0;
    for (const Term& term : gate) {
      const Range range = scaled(net_.ranges[term.node], term.weight);
      reach = std::min(reach + std::max(range.high, -range.low), kExactFloat);
    }
    return reach < kExactFloat && at_hand(gate) && at_hand(value) && !may_leave(value, net_.ranges);
  }

  bool at_hand(const Expr& expr) const {
    return std::all_of(expr.begin(), expr.end(), [&](const Term& term) {
      return term.node <= kPositionNode || in_register_[term.node] || needs_.in_register(term.node);
    });
  }

  void gated(Op op, const Expr& gate, const Expr& value) {
    op.part = static_cast<std::uint32_t>(tape_.gates.size());
    tape_.gates.push_back(checked(gate));
    push(op, value);
  }

  void emit_token_at(Op op, const Node& node) {
    op.tokens = tokens(node.table);
    op.code = Code::kTokenAt;
    if (!needs_.fused(node.at)) return tape_.ops.push_back(op);
    const Node& index = net_.nodes[node.at];
    op.code = Code::kTokenNear;
    op.at = index.at == kOneNode ? kPositionNode : index.at;
    push(op, know_.substitute(index.value));
  }

  void finish() {
    Op op{.code = Code::kEnd, .value = {}};
    if (request_.part == Part::kBranch) {
      op.code = Code::kBranch;
      tape_.branches = request_.branches;
      tape_.targets = 1;
      for (const auto s : request_.branches) tape_.targets *= split_.selectors[s].cases() + 1;
    } else if (request_.predicts()) {
      op.code = Code::kPredict;
      op.value = entry_;
      for (const Expr& feature : net_.features) tape_.features.push_back(checked(know_.substitute(feature)));
    }
    tape_.ops.push_back(op);
  }

  const Network& net_;
  const Split& split_;
  const Readers& readers_;
  Knowledge& know_;
  const Request& request_;
  const Needs needs_;
  std::vector<bool> entered_, grown_;
  std::vector<bool> in_register_;  // by now
  Linear entry_;                   // of tape_.predictions
  Tape tape_;
};

}  // namespace

Tape build_tape(const Network& network, const Split& split, const Readers& readers, Knowledge& knowledge,
                const Request& request) {
  return Builder(network, split, readers, knowledge, request).run();
}

}  // namespace tvm::plan
