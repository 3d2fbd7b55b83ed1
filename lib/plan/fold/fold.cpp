// What becomes of the parts of a layer:
//     copies, passthrough heads             substitution
//     a slot cleared (erased, or -x added)  an empty expression
//     a gather head                         an index into the past, and token tables read there
//     a head with parabola keys             a lookup by integer key
//     an AVERAGE head over equal scores     a mean; times a count it is a running sum
//     a neuron                              a product; with a constant gate a linear term
//     unused heads and neurons              nothing
// Equal expressions become one node. Nothing is taken from labels: kinds, keys and constants are
// read off the weights; what cannot be read off (that a squared key is the square) is checked in
// every run.
//
// Some slots hold what no integer expression says: a mean, the recency, the squared position, or a sum with
// one of these. They are *opaque* nodes, which nothing computes. float64 rounds what is added to them, so
// only what stays exact is followed: one unit copies an opaque value, alone, into an empty slot, and one
// unit, alone, adds exactly its negation. Any other sum is a new opaque value. Who reads one in another way
// is declined.
#include "plan/fold/fold.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "model/head_rows.hpp"
#include "plan/fold/past.hpp"
#include "plan/fold/relu_idioms.hpp"
#include "plan/ir/declined.hpp"

namespace tvm::plan {
namespace {

class Folder {
 public:
  explicit Folder(const Model& model) : model_(model), width_(static_cast<std::size_t>(model.width)) {}

  Network run() {
    net_.add(Node::one());
    net_.add(Node::position());
    embed();
    inputs_ = input_slots(model_);
    for (std::size_t layer = 0; layer < model_.layers.size(); ++layer) {
      attention(layer);
      feed_forward(layer);
    }
    output();
    return std::move(net_);
  }

 private:
  [[noreturn]] void decline(std::size_t layer, std::size_t unit, const char* what,
                            const std::string& why) const {
    throw Declined{sentence("layer ", layer, ", ", what, " ", unit, ": ", why)};
  }

  std::int64_t whole(double weight) const {
    if (std::rint(weight) != weight || std::abs(weight) > 0x1p62)
      throw Declined{"a weight is not an integer"};
    return static_cast<std::int64_t>(weight);
  }

  // Column `slot` of a table of rows over tokens, as an expression of the current token.
  Expr token_function(const std::vector<std::int64_t>& column) {
    for (const auto value : column)
      if (value != column[0]) return net_.term(Node::token(net_.tables.add(column)));
    return constant(column[0]);
  }

  void embed() {
    slots_.assign(width_, Expr{});
    for (std::size_t slot = 0; slot < width_; ++slot) {
      net_.origin = {Origin::Unit::kInput, 0, slot};
      std::vector<std::int64_t> column;
      for (std::size_t id = 0; id < model_.tokens.size(); ++id)
        column.push_back(whole(model_.embedding[id * width_ + slot]));
      slots_[slot] = token_function(column);
    }
    add_scaled(slots_[kPosition], Expr{{kPositionNode, 1}}, 1);
    // With what the embedding adds. Heads read them as keys where they are unwritten (attend).
    for (const std::uint32_t slot : {kRecency, kPositionSquared}) {
      net_.origin = {Origin::Unit::kInput, 0, slot};
      slots_[slot] = net_.term(Node::opaque(slot));
    }
  }

  // An opaque value is alone in the expressions that slots hold and units read.
  bool is_opaque(const Expr& expr) const { return !expr.empty() && net_.nodes[expr[0].node].is_opaque(); }
  const char* name_of_opaque(const Expr& expr) const {
    const Node& node = net_.nodes[expr[0].node];
    if (node.is_mean()) return "a mean";
    if (node.index == kRecency) return "the recency";
    if (node.index == kPositionSquared) return "the squared position";
    return "a sum with a mean, the recency or the squared position";
  }

  Expr compose(const double* row, std::size_t layer, std::size_t unit, const char* what) const {
    Expr sum;
    const Expr* opaque = nullptr;
    std::size_t read = 0;
    for (std::size_t slot = 0; slot < width_; ++slot) {
      if (row[slot] == 0.0) continue;
      const std::int64_t weight = whole(row[slot]);
      if (slots_[slot].empty()) continue;
      ++read;
      if (is_opaque(slots_[slot])) opaque = &slots_[slot];
      if (opaque != nullptr && read > 1)
        decline(layer, unit, what, sentence("adds ", name_of_opaque(*opaque), " and other slots"));
      add_scaled(sum, slots_[slot], weight);
    }
    return sum;
  }
  // Of integers alone.
  Expr compose_head(const double* row, std::size_t layer, std::size_t head) const {
    Expr expr = compose(row, layer, head, "head");
    if (is_opaque(expr))
      decline(layer, head, "head", sentence("reads ", name_of_opaque(expr), " in an unknown way"));
    return expr;
  }

  void attention(std::size_t layer) {
    const Layer& weights = model_.layers[layer];
    std::vector<Added> added(width_);
    for (std::size_t head = 0; head < static_cast<std::size_t>(model_.heads); ++head) {
      bool read[2] = {false, false};
      for (std::size_t i : {0u, 1u})
        for (std::size_t slot = 0; slot < width_; ++slot)
          read[i] |= weights.out[slot * width_ + 2 * head + i] != 0.0;
      if (!read[0] && !read[1]) {
        ++net_.heads_dropped;
        continue;
      }
      ++net_.heads_used;
      net_.origin = {Origin::Unit::kHead, layer, head};
      const bool copies = model_.kinds[model_.head_index(layer, head)] == HeadKind::kPassthrough;
      Expr values[2];
      for (std::size_t i : {0u, 1u}) {
        if (!read[i]) continue;
        const double* row = &weights.qkv[(2 * width_ + 2 * head + i) * width_];
        values[i] = copies ? compose(row, layer, head, "head") : compose_head(row, layer, head);
      }
      if (!copies) attend(layer, head, read, values);
      for (std::size_t slot = 0; slot < width_; ++slot)
        for (std::size_t i : {0u, 1u})
          if (const double w = weights.out[slot * width_ + 2 * head + i]; w != 0.0)
            add(added[slot], values[i], whole(w));
    }
    write(Origin::Unit::kAttentionSlot, layer, added, weights.attention_erase);
  }

  // Replaces the values of a head that does not copy by what it outputs.
  void attend(std::size_t layer, std::size_t head, const bool (&read)[2], Expr (&values)[2]) {
    const std::size_t index = model_.head_index(layer, head);
    HeadRows rows = head_rows(model_, layer, head, inputs_[layer]);
    const bool latest = model_.latest[index] != 0;
    const bool gather = inputs_[layer].squared && rows.k1[kPositionSquared] != 0.0;
    const double curve = -rows.k1[kPositionSquared];
    if (gather) rows.k1[kPositionSquared] = 0.0;
    const Expr k0 = compose_head(rows.k0.data(), layer, head), k1 = compose_head(rows.k1.data(), layer, head);
    const Expr q0 = compose_head(rows.q0.data(), layer, head), q1 = compose_head(rows.q1.data(), layer, head);
    const Expr clear = rows.clear.empty() ? Expr{} : compose_head(rows.clear.data(), layer, head);
    const std::optional<std::int64_t> unit = constant_of(q1);
    if (!latest) {
      const bool token_key =
          k1.empty() ||
          (k1.size() == 1 && (k1[0].node == kOneNode || net_.nodes[k1[0].node].kind == Kind::kToken));
      if (!k0.empty() || !token_key || rows.recency != 0.0 || !clear.empty() || !unit || *unit <= 0)
        decline(layer, head, "head", "averages over scores that the plan does not know");
      for (std::size_t i : {0u, 1u})
        if (read[i]) values[i] = mean(values[i], k1);
      return;
    }
    if (unit != 1) decline(layer, head, "head", "its query has no constant second component");
    // The recency must stay below the least difference of two integer scores, 1.
    if (rows.recency < 0.0 || rows.recency * kRecencyBound >= 1.0)
      decline(layer, head, "head", "its recency can outweigh a key");
    if (gather) {
      if (curve != 1.0 || k0 != Expr{{kPositionNode, 2}} || !k1.empty() || !clear.empty())
        decline(layer, head, "head", "its key is not a position");
      const NodeId at = net_.add(Node::clamped(q0, kOneNode));
      for (std::size_t i : {0u, 1u})
        if (read[i]) values[i] = past(net_, values[i], at);
      return;
    }
    const std::uint32_t store = parabola_store(layer, head, k0, k1, clear, values);
    std::vector<std::uint32_t> columns(2);
    for (std::size_t i : {0u, 1u})
      if (read[i]) columns[i] = column(store, values[i]);
    const NodeId lookup = net_.add(Node::lookup(store, q0));
    for (std::size_t i : {0u, 1u})
      if (read[i]) values[i] = net_.term(Node::found(columns[i], lookup));
  }

  // Heads of equal keys share a store, unless a value is computed only after the store is entered: just
  // before it is first looked into.
  std::uint32_t parabola_store(std::size_t layer, std::size_t head, const Expr& k0, const Expr& k1,
                               const Expr& clear, const Expr (&values)[2]) {
    Store store;
    for (const Term& term : k0) {
      if (term.weight % 2 != 0) decline(layer, head, "head", "its key is not twice an integer");
      store.key.push_back({term.node, term.weight / 2});
    }
    add_scaled(store.square, k1, -1);
    store.clear = clear;
    const auto is_before = [&](NodeId entered) {
      return std::all_of(std::begin(values), std::end(values),
                         [&](const Expr& value) { return value.empty() || value.back().node < entered; });
    };
    for (std::uint32_t i = 0; i < net_.stores.size(); ++i)
      if (net_.stores[i].key == store.key && net_.stores[i].square == store.square &&
          net_.stores[i].clear == store.clear && is_before(entered_[i]))
        return i;
    net_.stores.push_back(std::move(store));
    entered_.push_back(static_cast<NodeId>(net_.nodes.size()));
    return static_cast<std::uint32_t>(net_.stores.size() - 1);
  }

  std::uint32_t column(std::uint32_t store, const Expr& value) {
    auto& columns = net_.stores[store].columns;
    for (std::uint32_t i = 0; i < columns.size(); ++i)
      if (columns[i] == value) return i;
    columns.push_back(value);
    return static_cast<std::uint32_t>(columns.size() - 1);
  }

  // A mean is no integer. It stands for itself in slots until a product with its count consumes it.
  Expr mean(const Expr& value, const Expr& key) {
    std::vector<std::int64_t> keys(model_.tokens.size(), key.empty() ? 0 : key[0].weight);
    if (!key.empty() && key[0].node != kOneNode)
      for (std::size_t id = 0; id < keys.size(); ++id)
        if (__builtin_mul_overflow(keys[id], net_.table(net_.nodes[key[0].node])[id], &keys[id]))
          throw Declined{"a key of a mean does not fit 64 bits"};
    const bool uniform = std::all_of(keys.begin(), keys.end(), [&](std::int64_t k) { return k == keys[0]; });
    return net_.term(Node::sum(net_.means.add({value, net_.tables.add(std::move(keys)), uniform}), {}));
  }

  void feed_forward(std::size_t layer) {
    const Layer& weights = model_.layers[layer];
    const auto neurons = static_cast<std::size_t>(model_.neurons);
    std::vector<Added> added(width_);
    for (std::size_t n = 0; n < neurons; ++n) {
      bool read = false;
      for (std::size_t slot = 0; slot < width_; ++slot) read |= weights.ffn[slot * neurons + n] != 0.0;
      if (!read) continue;
      ++net_.neurons_used;
      net_.origin = {Origin::Unit::kNeuron, layer, n};
      const Expr gate = compose(&weights.in[n * width_], layer, n, "neuron");
      const Expr value = compose(&weights.in[(neurons + n) * width_], layer, n, "neuron");
      const Expr result = product(layer, n, gate, value);
      for (std::size_t slot = 0; slot < width_; ++slot)
        if (const double w = weights.ffn[slot * neurons + n]; w != 0.0) add(added[slot], result, whole(w));
    }
    write(Origin::Unit::kFfnSlot, layer, added, weights.ffn_erase);
  }

  Expr product(std::size_t layer, std::size_t neuron, const Expr& gate, const Expr& value) {
    if (const auto open = constant_of(gate)) {
      Expr result;
      if (*open > 0) add_scaled(result, value, *open);
      return result;
    }
    if (is_opaque(gate)) decline(layer, neuron, "neuron", sentence("its gate is ", name_of_opaque(gate)));
    if (value.empty()) return {};
    if (!is_opaque(value)) return net_.term(Node::gated(Kind::kProduct, gate, value));
    const Node& opaque = net_.nodes[value[0].node];
    if (!opaque.is_mean())
      decline(layer, neuron, "neuron", sentence("its gate, no constant, multiplies ", name_of_opaque(value)));
    return {{net_.add(Node::sum(opaque.index, gate)), value[0].weight}};
  }

  // What a half adds to a slot.
  struct Added {
    Expr sum;
    std::size_t parts = 0;  // units that add something: float64 adds these one by one
    bool opaque = false;    // one of them adds an opaque value
  };
  void add(Added& to, const Expr& part, std::int64_t weight) const {
    if (part.empty()) return;
    ++to.parts;
    to.opaque |= is_opaque(part);
    add_scaled(to.sum, part, weight);
  }

  // What a slot holds after a half, where it or what is added is opaque. The weight of an opaque value that a
  // slot holds is a product of weights; where that is a power of two, all are, and nothing has been rounded.
  Expr opaque_sum(const Expr& held, const Added& added) {
    if (added.parts == 1 && added.opaque) {
      if (held.empty()) return added.sum;
      Expr rest = held;
      add_scaled(rest, added.sum, 1);
      const auto weight = static_cast<std::uint64_t>(added.sum[0].weight);
      if (rest.empty() && (std::has_single_bit(weight) || std::has_single_bit(-weight))) return {};
    }
    return net_.term(Node::opaque(opaque_++));
  }

  // Adds to the slots, then erases. A sum of several terms becomes one node, read by all.
  void write(Origin::Unit unit, std::size_t layer, std::vector<Added>& added,
             const std::vector<std::int32_t>& erase) {
    for (std::size_t slot = 0; slot < width_; ++slot) {
      if (added[slot].parts == 0) continue;
      Expr& held = slots_[slot];
      net_.origin = {unit, layer, slot};
      if (added[slot].opaque || is_opaque(held))
        held = opaque_sum(held, added[slot]);
      else
        add_scaled(held, join_relu_idioms(net_, added[slot].sum), 1);
      if (held.empty()) continue;
      // A slot that holds just a node, or a node and a constant, says best what the node is.
      const Term& last = held.back();
      if (held.size() == 1 || (held.size() == 2 && held[0].node == kOneNode && last.weight == 1)) {
        Origin& origin = net_.origins[last.node];
        if (last.weight == 1 && (origin.unit == Origin::Unit::kHead || origin.unit == Origin::Unit::kNeuron))
          origin = net_.origin;
        continue;
      }
      held = net_.term(Node::linear(held));
    }
    for (const auto slot : erase) slots_[static_cast<std::size_t>(slot)].clear();
  }

  void output() {
    const std::size_t size = model_.tokens.size();
    net_.bias.assign(size, 0);
    for (std::size_t slot = 0; slot < width_; ++slot) {
      std::vector<std::int64_t> column;
      bool read = false;
      for (std::size_t id = 0; id < size; ++id) {
        column.push_back(whole(model_.head[id * width_ + slot]));
        read |= column.back() != 0;
      }
      if (!read) continue;
      const Expr& held = slots_[slot];
      if (held.empty()) continue;
      if (is_opaque(held)) throw Declined{sentence("the output head reads ", name_of_opaque(held))};
      if (const auto value = constant_of(held)) {
        for (std::size_t id = 0; id < size; ++id) {
          std::int64_t score = 0;
          if (__builtin_mul_overflow(column[id], *value, &score) ||
              __builtin_add_overflow(net_.bias[id], score, &net_.bias[id]))
            throw Declined{"the output head does not fit 64 bits"};
        }
        continue;
      }
      std::size_t feature = 0;
      while (feature < net_.weights.size() && net_.weights[feature] != column) ++feature;
      if (feature == net_.weights.size()) {
        net_.weights.push_back(std::move(column));
        net_.features.emplace_back();
      }
      add_scaled(net_.features[feature], held, 1);
    }
  }

  const Model& model_;
  const std::size_t width_;
  Network net_;
  std::vector<InputSlots> inputs_;
  std::vector<Expr> slots_;
  std::uint32_t opaque_ = kPositionSquared + 1;  // number of the next new opaque value
  std::vector<NodeId> entered_;                  // per store: its lookups are nodes from here on
};

}  // namespace

Network fold(const Model& model) { return Folder(model).run(); }

}  // namespace tvm::plan
