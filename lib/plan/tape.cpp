#include "plan/tape.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

void mark(const Expr& expr, std::vector<bool>& live, const Network& network);

void mark_node(NodeId id, std::vector<bool>& live, const Network& network);

// A square as a sum: `rest`, and products taken apart. They are computed only where a record is
// entered, with 128 bits: a squared 33-bit address leaves 64.
struct Square {
  struct Product {
    std::int64_t weight;
    Expr gate, value;
  };
  Expr rest;
  std::vector<Product> products;
};

void take_apart(const Network& network, const Expr& expr, std::int64_t weight, Square& square) {
  for (const Term& term : expr) {
    const Node& node = network.nodes[term.node];
    const std::int64_t factor = weight * term.weight;
    if (node.kind == Kind::kProduct)
      square.products.push_back({factor, node.gate, node.value});
    else if (node.kind == Kind::kLinear)
      take_apart(network, node.value, factor, square);
    else
      add_scaled(square.rest, {{term.node, 1}}, factor);
  }
}

Square square_of(const Network& network, const Store& store) {
  Square square;
  take_apart(network, store.square, 1, square);
  return square;
}

void mark_node(NodeId id, std::vector<bool>& live, const Network& network) {
  if (live[id]) return;
  live[id] = true;
  const Node& node = network.nodes[id];
  mark(node.gate, live, network);
  mark(node.value, live, network);
  if (node.kind == Kind::kIndex || node.kind == Kind::kTokenAt || node.kind == Kind::kHistoryAt ||
      node.kind == Kind::kFunction)
    mark_node(node.at, live, network);
  if (node.kind == Kind::kSum) mark(network.means[node.table].value, live, network);
  if (node.kind == Kind::kLookup) {
    const Store& store = network.stores[node.table];
    mark(store.key, live, network);
    mark(store.clear, live, network);
    const Square square = square_of(network, store);
    mark(square.rest, live, network);
    for (const auto& product : square.products) {
      mark(product.gate, live, network);
      mark(product.value, live, network);
    }
  }
  if (node.kind == Kind::kFound) {
    mark(network.stores[network.nodes[node.at].table].columns[node.table], live, network);
    mark_node(node.at, live, network);
  }
}

void mark(const Expr& expr, std::vector<bool>& live, const Network& network) {
  for (const Term& term : expr) mark_node(term.node, live, network);
}

class Builder {
 public:
  Builder(const Network& network, const std::vector<bool>& live, const Scope& scope)
      : net_(network),
        live_(live),
        scope_(scope),
        output_(scope.wanted.empty()),
        symbol_(network.nodes.size()),
        needed_(network.nodes.size()) {
    if (!output_) mine_ = closure(network, scope.wanted);
  }

  Tape run() {
    for (NodeId id = 0; id < net_.nodes.size(); ++id)
      if (live_[id]) symbol_[id] = symbol_of(id);
    keepers();
    if (output_)
      for (const Expr& feature : net_.features) need(substitute(feature));
    for (const NodeId id : scope_.wanted) needed_[id] = true;
    for (NodeId id = static_cast<NodeId>(net_.nodes.size()); id-- > 0;)
      if (needed_[id]) need_parts(id);
    for (NodeId id = 0; id < net_.nodes.size(); ++id) {
      enter_before(id);
      if (needed_[id] && !scope_.ready[id] && id > kPositionNode) emit(id);
    }
    if (output_)
      for (const Expr& feature : net_.features) tape_.features.push_back(linear(substitute(feature)));
    return std::move(tape_);
  }

 private:
  Expr substitute(const Expr& expr) const {
    Expr result;
    for (const Term& term : expr) add_scaled(result, symbol_[term.node], term.weight);
    return result;
  }

  // A node as an expression of registers.
  Expr symbol_of(NodeId id) {
    const Node& node = net_.nodes[id];
    const Expr self{{id, 1}};
    if (scope_.known[id]) return constant(*scope_.known[id]);
    if (scope_.ready[id]) return self;
    std::int64_t at = 0;
    if (node.kind == Kind::kLinear) {
      Expr sum = substitute(node.value);
      return sum.size() <= 1 ? sum : self;
    }
    // Positions before the first are the first, whose token is known.
    if (node.kind == Kind::kIndex && net_.range(substitute(node.value)).high <= 0) return {};
    if (node.kind == Kind::kTokenAt && is_constant(symbol_[node.at], at) && at == 0)
      return constant(net_.tables[node.table][static_cast<std::size_t>(scope_.first_token)]);
    if (node.kind == Kind::kStep || node.kind == Kind::kEqual) {
      const Expr value = substitute(node.value);
      const Range gate = net_.range(substitute(node.gate));
      const bool step = node.kind == Kind::kStep;
      if (value.empty() || gate.high < (step ? 1 : 0) || (!step && gate.low > 0)) return {};
      return (step ? gate.low >= 1 : gate.low == 0 && gate.high == 0) ? value : self;
    }
    if (node.kind != Kind::kProduct) return self;
    const Expr gate = substitute(node.gate), value = substitute(node.value);
    std::int64_t open = 0;
    Expr result;
    if (is_constant(gate, open)) {
      if (open > 0) add_scaled(result, value, open);
      return result;
    }
    if (value.empty() || net_.range(gate).high <= 0) return {};
    return self;
  }

  void need(const Expr& expr) {
    for (const Term& term : expr) needed_[term.node] = true;
  }

  // The square as this tape computes it, without products whose gate never opens.
  Square square_here(const Store& store) const {
    Square square = square_of(net_, store), result;
    result.rest = substitute(square.rest);
    for (auto& product : square.products) {
      product.gate = substitute(product.gate);
      product.value = substitute(product.value);
      if (net_.range(product.gate).high > 0) result.products.push_back(std::move(product));
    }
    return result;
  }

  // key * max(0, key) and nothing else, for a key that is never negative: nothing to check.
  bool is_square(const Store& store) const {
    const Square square = square_here(store);
    const Expr key = substitute(store.key);
    return square.rest.empty() && square.products.size() == 1 && square.products[0].weight == 1 &&
           square.products[0].gate == key && square.products[0].value == key && net_.range(key).low >= 0;
  }

  // Whatever keeps history is needed at every position, in this tape or an earlier one.
  void keepers() {
    enters_.assign(net_.stores.size(), false);
    std::vector<bool> seen(net_.stores.size(), false), appended(net_.histories.size(), false);
    for (NodeId id = 0; id < net_.nodes.size(); ++id) {
      if (!live_[id]) continue;
      const Node& node = net_.nodes[id];
      if (node.kind == Kind::kSum && in_scope(id)) needed_[id] = true;
      if (node.kind == Kind::kHistoryAt && in_scope(id)) need(substitute(node.value));
      if (node.kind != Kind::kLookup || seen[node.table]) continue;
      seen[node.table] = true;
      if (!in_scope(id)) continue;
      const Store& store = net_.stores[node.table];
      std::int64_t level = 0;
      const Expr clear = substitute(store.clear);
      if (is_constant(clear, level) && level > 0) continue;
      enters_[node.table] = true;
      need(clear);
      need(substitute(store.key));
      const Square square = square_here(store);
      need(square.rest);
      for (const auto& product : square.products) {
        need(product.gate);
        need(product.value);
      }
      for (std::uint32_t c = 0; c < store.columns.size(); ++c)
        if (column_live(node.table, c)) need(substitute(store.columns[c]));
    }
  }

  // Whether this tape is the one that keeps the node's history.
  bool in_scope(NodeId id) const { return !scope_.reached[id] && (output_ || mine_[id]); }

  bool column_live(std::uint32_t store, std::uint32_t column) const {
    for (NodeId id = 0; id < net_.nodes.size(); ++id)
      if (live_[id] && net_.nodes[id].kind == Kind::kFound && net_.nodes[id].table == column &&
          net_.nodes[net_.nodes[id].at].table == store)
        return true;
    return false;
  }

  void need_parts(NodeId id) {
    if (scope_.ready[id] || scope_.known[id]) return;
    const Node& node = net_.nodes[id];
    switch (node.kind) {
      case Kind::kLinear:
      case Kind::kLookup: return need(substitute(node.value));
      case Kind::kProduct:
      case Kind::kStep:
      case Kind::kEqual: need(substitute(node.gate)); return need(substitute(node.value));
      case Kind::kSum: need(substitute(node.gate)); return need(substitute(net_.means[node.table].value));
      case Kind::kIndex:
        need(substitute(node.value));
        if (node.at != kOneNode) needed_[node.at] = true;
        return;
      case Kind::kTokenAt:
      case Kind::kHistoryAt:
      case Kind::kFound:
      case Kind::kFunction: needed_[node.at] = true; return;
      default: return;
    }
  }

  Linear linear(const Expr& expr) {
    Linear result;
    result.first = static_cast<std::uint32_t>(tape_.terms.size());
    for (const Term& term : expr) {
      if (term.node == kOneNode) {
        result.constant = term.weight;
        continue;
      }
      tape_.terms.push_back(term);
      ++result.count;
    }
    return result;
  }

  // Whether some partial sum of the expression may leave 63 bits.
  bool far(const Expr& expr) const {
    Wide reach = 0;
    for (const Term& term : expr) {
      const Range r = net_.ranges[term.node];
      const Wide size = std::max(r.high, -r.low);
      if (size > Wide{1} << 62) return true;
      reach += size * (term.weight < 0 ? -Wide{term.weight} : Wide{term.weight});
      if (reach > Wide{1} << 62) return true;
    }
    return false;
  }

  bool far_product(const Expr& gate, const Expr& value) const {
    const Range g = net_.range(gate), v = net_.range(value);
    const Wide limit = Wide{1} << 62, open = std::max<Wide>(g.high, 0), size = std::max(v.high, -v.low);
    return far(gate) || far(value) || (open > 0 && size > limit / open);
  }

  // A store is entered just before anything looks into it, a history grows just before it is read.
  void enter_before(NodeId id) {
    const Node& node = net_.nodes[id];
    if (!live_[id]) return;
    if (node.kind == Kind::kHistoryAt && in_scope(id)) {
      if (grown_.size() < net_.histories.size()) grown_.resize(net_.histories.size(), false);
      if (grown_[node.table]) return;
      grown_[node.table] = true;
      Op op{.code = Code::kHistory, .table = node.table, .gate = {}, .value = {}};
      op.value = linear(substitute(node.value));
      tape_.ops.push_back(op);
      return;
    }
    if (node.kind != Kind::kLookup || !enters_[node.table]) return;
    enters_[node.table] = false;
    const Store& store = net_.stores[node.table];
    Insert insert;
    insert.key = linear(substitute(store.key));
    insert.clear = linear(substitute(store.clear));
    insert.proved = is_square(store);
    if (!insert.proved) {
      const Square square = square_here(store);
      insert.rest = linear(square.rest);
      for (const auto& product : square.products)
        insert.products.push_back({product.weight, linear(product.gate), linear(product.value)});
    }
    for (std::uint32_t c = 0; c < store.columns.size(); ++c)
      if (column_live(node.table, c)) insert.columns.emplace_back(c, linear(substitute(store.columns[c])));
    Op op{.code = Code::kInsert, .table = node.table, .gate = {}, .value = {}};
    op.at = static_cast<std::uint32_t>(tape_.inserts.size());
    tape_.inserts.push_back(std::move(insert));
    tape_.ops.push_back(op);
  }

  void emit(NodeId id) {
    const Node& node = net_.nodes[id];
    tape_.computed.push_back(id);
    if (scope_.known[id]) {
      Op op{.code = Code::kLinear, .to = id, .gate = {}, .value = {}};
      op.value.constant = *scope_.known[id];
      tape_.ops.push_back(op);
      return;
    }
    Op op{.code = Code::kLinear, .to = id, .at = node.at, .table = node.table, .gate = {}, .value = {}};
    const Expr value = substitute(node.kind == Kind::kSum ? net_.means[node.table].value : node.value);
    const Expr gate = substitute(node.gate);
    op.checked = far(value) || far(gate);
    switch (node.kind) {
      case Kind::kToken: op.code = Code::kToken; break;
      case Kind::kLinear: op.code = Code::kLinear; break;
      case Kind::kIndex: op.code = Code::kIndex; break;
      case Kind::kTokenAt: op.code = Code::kTokenAt; break;
      case Kind::kHistoryAt: op.code = Code::kHistoryAt; break;
      case Kind::kSum: {
        op.code = Code::kSum;
        // The gate counts all positions: the register is the sum, and stays when nothing is added.
        const Expr count{{kOneNode, 1}, {kPositionNode, 1}};
        if (!net_.means[node.table].uniform || node.gate != count) break;
        if (value.empty()) return;
        op.code = Code::kAddToSum;
        break;
      }
      case Kind::kLookup: op.code = Code::kLookup; break;
      case Kind::kFound: op.code = Code::kFound; break;
      case Kind::kProduct:
        op.code = Code::kProduct;
        op.checked = far_product(gate, value);
        break;
      case Kind::kStep: op.code = Code::kStep; break;
      case Kind::kEqual: op.code = Code::kEqual; break;
      case Kind::kFunction: op.code = Code::kFunction; break;
      default: return;
    }
    op.gate = linear(gate);
    if (node.kind != Kind::kHistoryAt) op.value = linear(value);
    tape_.ops.push_back(op);
  }

  const Network& net_;
  const std::vector<bool>& live_;
  const Scope& scope_;
  const bool output_;
  std::vector<Expr> symbol_;
  std::vector<bool> needed_, enters_, grown_, mine_;
  Tape tape_;
};

}  // namespace

std::vector<bool> live_nodes(const Network& network) {
  std::vector<bool> live(network.nodes.size(), false);
  for (const Expr& feature : network.features) mark(feature, live, network);
  live[kOneNode] = live[kPositionNode] = true;
  return live;
}

std::vector<bool> closure(const Network& network, const std::vector<NodeId>& wanted) {
  std::vector<bool> live(network.nodes.size(), false);
  for (const NodeId id : wanted) mark_node(id, live, network);
  live[kOneNode] = live[kPositionNode] = true;
  return live;
}

Tape build_tape(const Network& network, const std::vector<bool>& live, const Scope& scope) {
  return Builder(network, live, scope).run();
}

}  // namespace tvm::plan
