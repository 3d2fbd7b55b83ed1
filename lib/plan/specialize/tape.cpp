#include "plan/specialize/tape.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "plan/ir/declined.hpp"
#include "plan/specialize/token_reach.hpp"

namespace tvm::plan {
namespace {

using When = Demand::When;

// So many products are better computed together.
constexpr std::size_t kWorthBatch = 8;
// Integers below this are float64.
constexpr Wide kExactFloat = Wide{1} << 53;

// Encodes the residual ops that are demanded, in the order of their nodes.
class Encoder {
 public:
  Encoder(const Subject& subject, PartialEvaluator& evaluator, const Request& request)
      : subject_(subject),
        net_(subject.network),
        division_(subject.division),
        keepers_(subject.uses.keepers),
        evaluator_(evaluator),
        request_(request),
        demand_(subject, evaluator, request),
        inserted_(net_.stores.size()),
        appended_(net_.histories.size()),
        filled_(net_.nodes.size()) {}

  Tape run() {
    auto keeper = keepers_.begin();
    const auto keep_before = [&](NodeId end) {
      for (; keeper != keepers_.end() && *keeper < end; ++keeper) keep_history(net_.nodes[*keeper]);
    };
    for (const NodeId id : demand_.wanted()) {
      keep_before(id + 1);
      emit(id, When::kEarly);
    }
    keep_before(static_cast<NodeId>(net_.nodes.size()));
    if (demand_.entries() > 0) recall();
    finish();
    return std::move(tape_);
  }

 private:
  void emit(NodeId id, When when) {
    if (filled_[id]) return;
    if (demand_.node(id) == when) emit_node(id);
    if (demand_.kept(id) == when) {
      push({.code = Code::kLinear, .to = id}, evaluator_.residual(id));
      fill(id);
    }
  }

  void fill(NodeId id) {
    filled_[id] = true;
    tape_.computed.push_back(id);
  }

  bool at_hand(NodeId id) const { return filled_[id] || demand_.in_register(id); }
  bool at_hand(const Expr& expr) const {
    return std::all_of(expr.begin(), expr.end(), [&](const Term& term) { return at_hand(term.node); });
  }
  // A register that is about to be read.
  NodeId filled(NodeId id) const {
    if (!at_hand(id)) throw Declined{"an operator of a tape reads a register that nothing has filled"};
    return id;
  }

  // The table of predictions; what is computed after it is only to be relied on where an entry is missing.
  void recall() {
    Expr entry;
    std::int64_t stride = 1;
    bool registers = true;
    for (const Expr& number : demand_.base()) {
      const Interval interval = evaluator_.interval(number);
      add_scaled(entry, number, stride);
      add_scaled(entry, constant(static_cast<std::int64_t>(interval.low)), -stride);
      const auto size = static_cast<std::int64_t>(interval.high - interval.low + 1);
      tape_.digits.push_back({number[0].node, static_cast<std::int64_t>(interval.low), size});
      registers = registers && number.size() == 1 && number[0].weight == 1 && number[0].node != kOneNode;
      stride *= size;
    }
    if (!registers) tape_.digits.clear();
    entry_ = linear(entry);
    tape_.entries = demand_.entries();
    tape_.ops.push_back({.code = Code::kRecall, .value = entry_});
    const std::size_t computed = tape_.computed.size();
    for (const NodeId id : demand_.wanted()) emit(id, When::kLate);
    tape_.computed.resize(computed);
  }

  Linear linear(const Expr& expr) {
    Linear result;
    bool head = true;
    for (const Term& term : expr) {
      if (term.node == kOneNode) {
        result.constant = term.weight;
      } else if (head) {
        result.weight = term.weight;
        result.node = filled(term.node);
        result.first = static_cast<std::uint32_t>(tape_.terms.size());
        head = false;
      } else {
        tape_.terms.push_back({filled(term.node), term.weight});
        ++result.more;
      }
    }
    return result;
  }

  // An expression that may leave 64 bits is checked by an op of its own just before it is used; all else
  // is computed modulo 2^64, which for what stays within is exact.
  Linear checked(const Expr& expr) {
    const Linear result = linear(expr);
    if (may_leave(expr, net_.intervals)) tape_.ops.push_back({.code = Code::kCheck, .value = result});
    return result;
  }
  void push(Op op, const Expr& value) {
    op.value = checked(value);
    tape_.ops.push_back(op);
  }

  // A record is entered just before anything looks into its store, a history grows just before it is read.
  void keep_history(const Node& node) {
    if (node.kind == Kind::kHistoryAt && demand_.appended(node.index) && !appended_[node.index]) {
      appended_[node.index] = true;
      push({.code = Code::kHistory, .table = node.index}, *demand_.appended(node.index));
    }
    if (node.kind == Kind::kLookup && demand_.insert(node.index) != nullptr && !inserted_[node.index]) {
      inserted_[node.index] = true;
      insert(*demand_.insert(node.index), node.index);
    }
  }

  void insert(const ResidualInsert& residual, std::uint32_t store) {
    Insert insert;
    insert.key = checked(residual.key);
    insert.clear = checked(residual.clear);
    insert.always = residual.clear.empty();
    insert.proof = residual.proof.how;
    insert.sign = residual.proof.sign;
    insert.rest = linear(residual.proof.square.rest);
    for (const auto& product : residual.proof.square.products)
      insert.products.push_back({product.weight, linear(product.gate), linear(product.value)});
    for (const Expr& column : residual.columns) insert.columns.push_back(checked(column));
    tape_.ops.push_back(
        {.code = Code::kInsert, .table = store, .part = static_cast<std::uint32_t>(tape_.inserts.size())});
    tape_.inserts.push_back(std::move(insert));
  }

  // 1 where tokens at the index are far.
  std::uint32_t far(NodeId index) { return is_near(subject_, evaluator_, index) ? 0 : 1; }

  void emit_node(NodeId id) {
    if (demand_.fused(id) || demand_.absorbed(id) || batch(id)) return;
    if (demand_.is_token_sum(id)) {
      emit_token_sum(demand_.op(id));
    } else if (const ResidualOp& op = demand_.op(id); op.code == Code::kTokenAt && demand_.fused(op.at)) {
      const ResidualOp& index = demand_.op(op.at);
      push({.code = Code::kTokenNear,
            .to = id,
            .at = filled(index.at),
            .part = far(op.at),
            .tokens = op.tokens},
           index.value);
    } else if (op.code != Code::kAddToSum || !op.value.empty()) {
      Op encoded{.code = op.code, .to = id, .at = filled(op.at), .table = op.table, .part = op.part};
      encoded.tokens = op.tokens;
      if (op.code == Code::kTokenAt) encoded.part = far(op.at);
      if (op.is_gated()) {
        encoded.part = static_cast<std::uint32_t>(tape_.gates.size());
        tape_.gates.push_back(checked(op.gate));
      }
      push(encoded, op.value);
    }
    fill(id);  // a sum to which nothing is added stays in its register
  }

  void emit_token_sum(const ResidualOp& sum) {
    const ResidualOp& first = demand_.op(sum.value[0].node);
    Op op{.code = Code::kTokenSum, .to = sum.to, .at = filled(demand_.op(first.at).at)};
    op.tokens = first.tokens;
    op.value = linear(demand_.base_of_index(first.at));
    op.value.first = static_cast<std::uint32_t>(tape_.nears.size());
    op.value.more = static_cast<std::uint32_t>(sum.value.size());
    for (const Term& term : sum.value) {
      const Expr& index = demand_.op(demand_.op(term.node).at).value;
      tape_.nears.push_back({index[0].node == kOneNode ? index[0].weight : 0, term.weight});
      op.part |= far(demand_.op(term.node).at);
    }
    std::sort(tape_.nears.begin() + op.value.first, tape_.nears.end(),
              [](const Near& a, const Near& b) { return a.offset < b.offset; });
    tape_.ops.push_back(op);
  }

  // A product or step, and with it all later ones that can be computed by now, where they are many.
  bool batch(NodeId first) {
    if (!can_batch(first)) return false;
    // Gates that read the same registers side by side.
    std::vector<std::pair<Expr, NodeId>> gates;
    const auto& wanted = demand_.wanted();
    for (auto at = std::lower_bound(wanted.begin(), wanted.end(), first); at != wanted.end(); ++at) {
      const NodeId id = *at;
      if (demand_.node(id) != demand_.node(first) || filled_[id] || !can_batch(id)) continue;
      Expr gate = demand_.op(id).gate;
      std::reverse(gate.begin(), gate.end());
      gates.emplace_back(std::move(gate), id);
    }
    if (gates.size() < kWorthBatch) return false;
    std::sort(gates.begin(), gates.end());
    Batch batch;
    batch.constants.assign(gates.size(), 0.0);
    std::map<NodeId, Batch::Column> columns;
    for (std::size_t i = 0; i < gates.size(); ++i) {
      const auto& [gate, id] = gates[i];
      const ResidualOp& op = demand_.op(id);
      batch.ops.push_back({.code = op.code, .to = id, .value = linear(op.value)});
      batch.to.push_back(id);
      for (const Term& term : gate) {
        if (term.node == kOneNode) {
          batch.constants[i] = static_cast<double>(term.weight);
          continue;
        }
        Batch::Column& column = columns[term.node];
        if (column.weights.empty()) column.from = filled(term.node), column.begin = i;
        column.weights.resize(i + 1 - column.begin);
        column.weights.back() = static_cast<double>(term.weight);
      }
    }
    for (const NodeId id : batch.to) fill(id);
    for (auto& [from, column] : columns) batch.columns.push_back(std::move(column));
    tape_.ops.push_back({.code = Code::kBatch, .part = static_cast<std::uint32_t>(tape_.batches.size())});
    tape_.batches.push_back(std::move(batch));
    return true;
  }

  // A product or step that reads what is there, its value within 64 bits and its gate exact in float64.
  bool can_batch(NodeId id) const {
    const Kind kind = net_.nodes[id].kind;
    if (kind != Kind::kProduct && kind != Kind::kStep) return false;
    const ResidualOp& op = demand_.op(id);
    Wide reach = 0;
    for (const Term& term : op.gate) {
      const Interval part = scaled(net_.intervals[term.node], term.weight);
      reach = std::min(reach + std::max(part.high, -part.low), kExactFloat);
    }
    return reach < kExactFloat && at_hand(op.gate) && at_hand(op.value) &&
           !may_leave(op.value, net_.intervals);
  }

  void finish() {
    Op op{.code = Code::kEnd};
    if (request_.part == Part::kBranch) {
      op.code = Code::kBranch;
      tape_.branches = request_.branches;
      tape_.targets = 1;
      for (std::size_t i = 0; i < request_.branches.size(); ++i) {
        const Selector& selector = division_.selectors[request_.branches[i]];
        if (filled(selector.branch_register()); selector.by == Selector::By::kTokenAt)
          op.part |= far(selector.at) << i;
        tape_.targets *= selector.cases() + 1;
      }
    } else if (request_.predicts()) {
      op.code = Code::kPredict;
      op.value = entry_;
      for (const ResidualOp& feature : demand_.features()) tape_.features.push_back(checked(feature.value));
    }
    tape_.ops.push_back(op);
  }

  const Subject& subject_;
  const Network& net_;
  const Division& division_;
  const std::vector<NodeId>& keepers_;
  PartialEvaluator& evaluator_;
  const Request& request_;
  const Demand demand_;
  std::vector<bool> inserted_, appended_;  // by now
  std::vector<bool> filled_;               // registers, by this tape
  Linear entry_;                           // of the table of predictions
  Tape tape_;
};

}  // namespace

Tape build_tape(const Subject& subject, PartialEvaluator& evaluator, const Request& request) {
  return Encoder(subject, evaluator, request).run();
}

}  // namespace tvm::plan
