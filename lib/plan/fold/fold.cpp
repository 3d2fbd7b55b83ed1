// What becomes of the parts of a layer:
//     copies, passthrough heads             substitution
//     a slot cleared (erased, or -x added)  an empty expression
//     other heads                           heads.hpp
//     a neuron                              a product; with a constant gate a linear term
//     means and other non-integers          opaque_values.hpp
//     unused heads and neurons              nothing
// Equal expressions become one node. Nothing is taken from labels: kinds, keys and constants are
// read off the weights.
#include "plan/fold/fold.hpp"

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/head_rows.hpp"
#include "plan/fold/beginning.hpp"
#include "plan/fold/heads.hpp"
#include "plan/fold/opaque_values.hpp"
#include "plan/fold/place.hpp"
#include "plan/fold/relu_idioms.hpp"
#include "plan/ir/declined.hpp"

namespace tvm::plan {
namespace {

class Folder {
 public:
  explicit Folder(const Model& model)
      : model_(model),
        width_(static_cast<std::size_t>(model.width)),
        opaque_(net_),
        beginning_(model, net_),
        heads_(net_, beginning_) {}

  Network run() {
    net_.add(Node::one());
    net_.add(Node::position());
    net_.bias.assign(model_.tokens.size(), 0);
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
  // Column `slot` of a table of rows over tokens.
  TokenTable column_of(Matrix matrix, std::size_t slot, const Place& place) const {
    TokenTable column;
    for (std::size_t id = 0; id < model_.tokens.size(); ++id)
      column.push_back(place.whole(matrix[id * width_ + slot], slot));
    return column;
  }

  void embed() {
    slots_.assign(width_, Expr{});
    for (std::size_t slot = 0; slot < width_; ++slot) {
      net_.origin = {Origin::Unit::kInput, 0, slot};
      TokenTable column = column_of(model_.embedding, slot, {"the embedding"});
      bool varies = false;
      for (const auto value : column) varies |= value != column[0];
      slots_[slot] =
          varies ? net_.term(Node::token(net_.tables.add(std::move(column)))) : constant(column[0]);
    }
    add_scaled(slots_[kPosition], Expr{{kPositionNode, 1}}, 1);
    // With what the embedding adds. Heads read them as keys where they are unwritten (attend).
    for (const std::uint32_t slot : {kRecency, kPositionSquared}) {
      net_.origin = {Origin::Unit::kInput, 0, slot};
      slots_[slot] = opaque_.input(slot);
    }
  }

  Expr compose(const double* row, const Place& place) {
    Expr sum;
    std::size_t read = 0, opaque = width_, other = width_;  // slots that are read
    for (std::size_t slot = 0; slot < width_; ++slot) {
      if (row[slot] == 0.0) continue;
      const std::int64_t weight = place.whole(row[slot], slot);
      if (slots_[slot].empty()) continue;
      ++read;
      (opaque == width_ && opaque_.is(slots_[slot]) ? opaque : other) = slot;
      add_scaled(sum, slots_[slot], weight);
    }
    if (opaque == width_ || read == 1) return sum;
    if (const auto means = opaque_.sum_of_means(sum)) return *means;
    place.decline(sentence("adds slot ", opaque, ", ", opaque_.name(slots_[opaque]), ", and slot ", other,
                           opaque_.is(slots_[other]) ? sentence(", ", opaque_.name(slots_[other])) : ""));
  }
  // What a row reads that is opaque, for messages.
  std::string opaque_slots(const double* row) const {
    std::string all;
    for (std::size_t slot = 0; slot < width_; ++slot)
      if (row[slot] != 0.0 && opaque_.is(slots_[slot]))
        all += sentence(all.empty() ? "slot " : " and slot ", slot, ", ", opaque_.name(slots_[slot]));
    return all;
  }
  // Of integers alone.
  Expr compose_integer(const double* row, const Place& place) {
    Expr expr = compose(row, place);
    if (opaque_.is(expr)) place.decline(sentence("reads ", opaque_slots(row), ", in an unknown way"));
    return expr;
  }

  void attention(std::size_t layer) {
    const Layer& weights = model_.layers[layer];
    std::vector<Added> added(width_);
    for (std::size_t number = 0; number < static_cast<std::size_t>(model_.heads); ++number) {
      Head head;
      for (std::size_t i : {0u, 1u})
        for (std::size_t slot = 0; slot < width_; ++slot)
          head.read[i] |= weights.out[slot * width_ + 2 * number + i] != 0.0;
      if (!head.read[0] && !head.read[1]) {
        ++net_.heads_dropped;
        continue;
      }
      ++net_.heads_used;
      net_.origin = {Origin::Unit::kHead, layer, number};
      const Place place = Place::head(layer, number);
      const bool copies = model_.kinds[model_.head_index(layer, number)] == HeadKind::kPassthrough;
      for (std::size_t i : {0u, 1u}) {
        if (!head.read[i]) continue;
        const double* row = &weights.qkv[(2 * width_ + 2 * number + i) * width_];
        head.values[i] = copies ? compose(row, place) : compose_integer(row, place);
      }
      if (!copies) {
        read_rows(layer, number, place, head);
        heads_.attend(head, place);
      }
      for (std::size_t slot = 0; slot < width_; ++slot)
        for (std::size_t i : {0u, 1u})
          if (const double w = weights.out[slot * width_ + 2 * number + i]; w != 0.0)
            add(added[slot], head.values[i], place.whole(w, slot));
    }
    write(Origin::Unit::kAttentionSlot, layer, added, weights.attention_erase);
  }

  // The head's query and key.
  void read_rows(std::size_t layer, std::size_t number, const Place& place, Head& head) {
    HeadRows rows = head_rows(model_, layer, number, inputs_[layer]);
    head.latest = model_.latest[model_.head_index(layer, number)] != 0;
    head.recency = rows.recency;
    head.reads_square = head.latest && inputs_[layer].squared && rows.k1[kPositionSquared] != 0.0;
    if (head.reads_square) head.square = std::exchange(rows.k1[kPositionSquared], 0.0);
    head.k0 = compose_integer(rows.k0.data(), place), head.k1 = compose_integer(rows.k1.data(), place);
    head.q0 = compose_integer(rows.q0.data(), place), head.q1 = compose_integer(rows.q1.data(), place);
    if (!rows.clear.empty()) head.clear = compose_integer(rows.clear.data(), place);
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
      const Place place = Place::neuron(layer, n);
      const Expr result = product(&weights.in[n * width_], &weights.in[(neurons + n) * width_], place);
      for (std::size_t slot = 0; slot < width_; ++slot)
        if (const double w = weights.ffn[slot * neurons + n]; w != 0.0)
          add(added[slot], result, place.whole(w, slot));
    }
    write(Origin::Unit::kFfnSlot, layer, added, weights.ffn_erase);
  }

  // value * max(0, gate), of two rows of a neuron.
  Expr product(const double* gate_row, const double* value_row, const Place& place) {
    const Expr gate = beginning_.settled(compose(gate_row, place)), value = compose(value_row, place);
    if (const auto open = constant_of(gate)) {
      Expr result;
      if (*open > 0) add_scaled(result, value, *open);
      return result;
    }
    if (opaque_.is(gate)) place.decline(sentence("its gate reads ", opaque_slots(gate_row)));
    if (value.empty()) return {};
    if (!opaque_.is(value)) return net_.term(Node::gated(Kind::kProduct, gate, value));
    const auto mean = opaque_.mean_of(value[0].node);
    if (!mean) place.decline(sentence("its gate, no constant, multiplies ", opaque_slots(value_row)));
    if (net_.means[*mean].value.empty()) return {};
    return {{net_.add(Node::sum(*mean, gate)), value[0].weight}};
  }

  void add(Added& to, const Expr& part, std::int64_t weight) const {
    if (part.empty()) return;
    ++to.parts;
    to.opaque |= opaque_.is(part);
    add_scaled(to.sum, part, weight);
  }

  // Adds to the slots, then erases. A sum of several terms becomes one node, read by all.
  void write(Origin::Unit unit, std::size_t layer, std::vector<Added>& added,
             const std::vector<std::int32_t>& erase) {
    for (std::size_t slot = 0; slot < width_; ++slot) {
      if (added[slot].parts == 0) continue;
      Expr& held = slots_[slot];
      net_.origin = {unit, layer, slot};
      if (added[slot].opaque || opaque_.is(held))
        held = opaque_.after(held, added[slot]);
      else
        add_scaled(held, join_relu_idioms(net_, beginning_, added[slot].sum), 1);
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
    const Place place{"the output head"};
    const std::size_t size = model_.tokens.size();
    for (std::size_t slot = 0; slot < width_; ++slot) {
      TokenTable column = column_of(model_.head, slot, place);
      bool read = false;
      for (const auto weight : column) read |= weight != 0;
      const Expr& held = slots_[slot];
      if (!read || held.empty()) continue;
      if (opaque_.is(held)) place.decline(sentence("it reads slot ", slot, ", ", opaque_.name(held)));
      if (const auto value = constant_of(held)) {
        for (std::size_t id = 0; id < size; ++id) {
          std::int64_t score = 0;
          if (__builtin_mul_overflow(column[id], *value, &score) ||
              __builtin_add_overflow(net_.bias[id], score, &net_.bias[id]))
            place.decline("a score does not fit 64 bits");
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
  OpaqueValues opaque_;
  Beginning beginning_;
  Heads heads_;
  std::vector<InputSlots> inputs_;
  std::vector<Expr> slots_;
};

}  // namespace

Network fold(const Model& model) { return Folder(model).run(); }

}  // namespace tvm::plan
