// What residual slots hold that no integer expression says (recency, squared position, means), and slots that
// weights clear: models in which the plan follows them exactly, or refuses, and what the layer path rounds.
#include <cstring>
#include <string>
#include <tuple>

#include "plan_agrees.hpp"

namespace {

// Slots 1 and 2 hold the recency and the squared position, which no integer expression says, until they are
// erased; whatever else was added to them.
enum class Reader { kOutput, kGate, kValue, kGatedValue, kHeadValue, kQuery, kKey, kClear };
enum class Written { kNot, kByEmbedding, kByHead, kByNeuron };

Machine reader_of_an_input(int slot, Reader reader, Written written, bool erased) {
  Machine m(10, 2);
  const int a = m.token_slot({0, 1, 2, 0, 3});
  if (written == Written::kByEmbedding)
    for (int t = 0; t < m.bytes.v; ++t) m.bytes.e(t, slot) = t % 3;
  if (written == Written::kByHead) m.add_gather(0, Machine::position(-1), {{a, 1}}, slot);
  if (written == Written::kByNeuron) m.neuron(0, Machine::just(1), {{a, 1}}, slot);
  if (erased) m.erase_after(0, slot);
  const Combo read{{slot, 1}};
  int to = slot;
  switch (reader) {
    case Reader::kOutput: break;
    case Reader::kGate: to = m.product(1, read, Machine::just(1)); break;
    case Reader::kValue: to = m.product(1, Machine::just(1), read); break;
    case Reader::kGatedValue: to = m.product(1, {{a, 1}}, read); break;
    case Reader::kHeadValue: to = m.gather(1, Machine::position(-1), read); break;
    case Reader::kQuery: to = m.gather(1, read, {{a, 1}}); break;
    case Reader::kKey: to = m.lookup(1, read, {}, {}, {{a, 1}}, {{a, 1}}); break;
    case Reader::kClear: to = m.lookup(1, {}, {}, read, {{a, 1}}, {{a, 1}}); break;
  }
  m.output({{to, 3}, {a, -1}});
  return m;
}

bool readers_of_inputs(const Tokens& tokens) {
  bool right = true;
  for (const int slot : {1, 2})
    for (int reader = 0; reader < 8; ++reader)
      for (int written = 0; written < 4; ++written)
        for (const bool erased : {false, true}) {
          const auto by = static_cast<Reader>(reader);
          if (slot == 1 && by == Reader::kClear) continue;  // it has a coefficient of its own there
          right &= agrees("reader of an input",
                          reader_of_an_input(slot, by, static_cast<Written>(written), erased), tokens,
                          erased ? Expect::kEither : Expect::kRefused);
        }
  return right;
}

// The smallest of them: the head alone, in a model without heads and neurons.
void head_reads_an_input() {
  for (const auto& [slot, weight, from] : {std::tuple{2, 2.0, 1u}, std::tuple{1, 3.0, 1u}}) {
    ModelBytes bytes(2, 4, 1, 0, 1);
    bytes.e(0, 3) = bytes.e(1, 3) = 1;
    bytes.out_row(0, 3) = 1, bytes.out_row(1, slot) = weight;
    const Opened model(bytes);
    const Tokens tokens(8, 0);
    Tokens predicted;
    CHECK(std::strlen(tvm_model_why_no_plan(model.get())) > 0);
    CHECK(model.predict(tokens, TVM_PATH_AUTO, predicted) == TVM_OK);
    for (std::size_t p = 0; p < predicted.size(); ++p) CHECK(predicted[p] == (p >= from));
  }
}

// Slots cleared by weights: an integer, a mean, the position, the recency, the squared position, or a copy of
// one of these; then the slot holds an integer, added in the half that clears or in the next one. What is no
// integer needs an empty slot: then the second half is the only right one.
enum class Held { kPosition, kRecency, kSquare, kInteger, kMean };
enum class Cleared { kByHead, kByNeuron, kAsACopy };

Machine cleared_slot(Held held, Cleared cleared, bool at_once) {
  Machine m(10, 5);
  const int a = m.token_slot({0, 1, 2, 0, 3}), key = m.token_slot({0, 1, 2}),
            square = m.token_slot({0, 1, 4});
  const int before = m.gather(0, Machine::position(-1), {{a, 1}});
  int slot = static_cast<int>(held);  // the first three
  if (held == Held::kInteger) slot = m.passthrough(0, {{a, 2}});
  if (held == Held::kMean) slot = m.mean(0, {{a, 1}});
  const int count = held == Held::kMean ? m.product(0, Machine::position(1), {{slot, 1}}) : a;
  const int first = cleared == Cleared::kByHead ? 1 : 0;  // layer of the half that clears
  switch (cleared) {
    case Cleared::kByHead: m.add_passthrough(1, {{slot, 1}}, slot, -1); break;
    case Cleared::kByNeuron: m.neuron(0, Machine::just(1), {{slot, 1}}, slot, -1); break;
    case Cleared::kAsACopy: {  // of what the copy is a copy of; that stays
      const int copy = m.slot();
      m.neuron(0, Machine::just(2), {{slot, 2}}, copy, -1);
      m.neuron(2, Machine::just(-1), {{slot, 9}}, copy);
      if (at_once) m.neuron(2, Machine::just(1), {{a, 1}}, copy);
      m.neuron(2, Machine::just(1), {{slot, 1}}, copy, 4);
      slot = copy;
    }
  }
  if (at_once && cleared != Cleared::kAsACopy) {
    if (cleared == Cleared::kByHead)
      m.add_passthrough(first, {{a, 1}}, slot);
    else
      m.neuron(first, Machine::just(1), {{a, 1}}, slot);
  }
  if (!at_once) m.neuron(3, Machine::just(1), {{a, 1}}, slot);
  // Heads find other positions as before where their inputs are left.
  const bool copied = cleared == Cleared::kAsACopy;
  m.recency = held != Held::kRecency || copied;
  const int found = m.lookup(4, {{key, 1}}, {{square, 1}}, {}, {{slot, 1}}, {{before, 1}});
  Combo seen{{found, 1}, {slot, 1}, {count, 1}};
  if (copied || (held != Held::kPosition && held != Held::kSquare))
    seen.emplace_back(m.gather(4, {{0, 1}, {slot, -1}}, {{a, 1}}), 1);
  m.output(seen);
  return m;
}

bool cleared_slots(const Tokens& tokens) {
  bool right = true;
  for (int held = 0; held < 5; ++held)
    for (int cleared = 0; cleared < 3; ++cleared)
      for (const bool at_once : {false, true}) {
        const auto what = static_cast<Held>(held);
        const bool integer = what == Held::kPosition || what == Held::kInteger;
        const Machine m = cleared_slot(what, static_cast<Cleared>(cleared), at_once);
        const bool fits =
            agrees("cleared slot", m, tokens, integer || !at_once ? Expect::kEqual : Expect::kRefused);
        if (!fits) std::fprintf(stderr, "cleared slot: held %d, cleared %d, %d\n", held, cleared, at_once);
        right &= fits;
      }
  return right;
}

// Sums with the recency or a mean that integers would cancel, and float64 rounds. A plan that followed them
// would find an empty slot at the end.
enum class Sum {
  kNothing,         // none of them: the recency copied, then taken away
  kWithAnother,     // r + a - a, added by three units
  kInOneRow,        // r + a - a, added by one unit
  kTwice,           // r + 2r - 3r
  kByAThird,        // -5 * (3 r) after 3 * (5 r)
  kOntoAnInteger,   // r onto a, then -a, then -r
  kOntoAMean,       // r onto a mean, then -mean, then -r
  kIntoADyingSlot,  // r, while -a is added
  kOfAnother,       // r + a, then -(r + p)
};

Machine opaque_sum(Sum sum) {
  Machine m(10, 5);
  const int a = m.token_slot({3, 1, 2, 5, 7}), to = m.slot();
  const Combo one = Machine::just(1), r{{1, 1}};
  const auto add = [&](int layer, const Combo& value, double weight) {
    m.neuron(layer, one, value, to, weight);
  };
  switch (sum) {
    case Sum::kNothing: add(1, r, 1), add(2, r, -1); break;
    case Sum::kWithAnother: add(1, r, 1), add(1, {{a, 1}}, 1), add(1, {{a, 1}}, -1), add(2, r, -1); break;
    case Sum::kInOneRow: add(1, {{1, 1}, {a, 1}, {m.linear(0, {{a, 1}}), -1}}, 1), add(2, r, -1); break;
    case Sum::kTwice: add(1, r, 1), add(1, r, 2), add(2, r, -3); break;
    case Sum::kByAThird: add(1, {{1, 5}}, 3), add(2, {{1, 3}}, -5); break;
    case Sum::kOntoAnInteger: add(0, {{a, 1}}, 1), add(1, r, 1), add(2, {{a, 1}}, -1), add(3, r, -1); break;
    case Sum::kOntoAMean: {
      const int mean = m.mean(0, {{a, 1}});
      add(1, {{mean, 1}}, 1), add(2, r, 1), add(3, {{mean, 1}}, -1), add(4, r, -1);
      break;
    }
    case Sum::kIntoADyingSlot: add(0, {{a, 1}}, 1), add(1, r, 1), add(1, {{a, 1}}, -1), add(2, r, -1); break;
    case Sum::kOfAnother: {
      const int other = m.slot();
      m.neuron(1, one, r, other), m.neuron(1, one, {{0, 1}}, other);
      add(1, r, 1), add(1, {{a, 1}}, 1), add(2, {{other, 1}}, -1);
      break;
    }
  }
  m.output({{to, 1}, {a, 1}});
  return m;
}

bool opaque_sums(const Tokens& tokens) {
  bool right = true;
  for (int sum = 0; sum < 9; ++sum) {
    const bool fits = agrees("opaque sum", opaque_sum(static_cast<Sum>(sum)), tokens,
                             sum == 0 ? Expect::kEqual : Expect::kRefused);
    if (!fits) std::fprintf(stderr, "opaque sum %d\n", sum);
    right &= fits;
  }
  return right;
}

// A constant gate is tested before a sum is made: these gates are 0 and 2, whatever the value.
Machine constant_gates_of_a_mean() {
  Machine m(10, 3);
  const int a = m.token_slot({0, 1, 2});
  const int mean = m.mean(0, {{a, 1}}), copy = m.slot(), to = m.slot();
  m.neuron(0, Machine::just(2), {{mean, 1}}, copy, 2);
  m.neuron(1, Machine::just(-1), {{mean, 1}}, to);
  m.neuron(1, Machine::just(1), {{mean, 1}}, copy, -4);
  m.neuron(1, Machine::position(1), {{copy, 1}}, to);
  m.output({{to, 1}, {copy, 1}}, 20);
  return m;
}

// The layers round an integer that the plan does not, in a residual slot, a product or a score: they say so.
// So they do where the slot held the recency or the squared position.
enum class Rounded { kSlot, kProduct, kScore, kRecency, kSquare, kNothing };

// Only the slot itself holds a large number, between halves: 2 * 2^52 + a.
Machine rounded_between_halves(int slot) {
  Machine m(10, 5);
  const int large = m.token_slot({0x1p52}), a = m.token_slot({1, 3, 5});
  m.add_passthrough(0, {{slot, 1}}, slot, -1);
  for (const auto& [layer, what, weight] :
       {std::tuple{0, large, 1}, {1, large, 1}, {2, a, 1}, {3, large, -1}, {4, large, -1}})
    m.neuron(layer, Machine::just(1), {{what, 1}}, slot, weight);
  m.output({{slot, 1}});
  return m;
}

Machine rounded(Rounded what) {
  if (what == Rounded::kRecency || what == Rounded::kSquare)
    return rounded_between_halves(what == Rounded::kRecency ? 1 : 2);
  Machine m(10, 2);
  const int large = m.token_slot({what == Rounded::kNothing ? 0x1p40 : 0x1p53}), a = m.token_slot({1, 3, 5});
  const int to = m.slot();
  if (what == Rounded::kProduct) {
    m.neuron(0, {{large, 1}}, {{a, 3}}, to);
    m.neuron(0, {{large, 1}}, {{a, -2}}, to);
    m.neuron(0, {{large, 1}}, {{a, -1}}, to);
    m.neuron(0, Machine::just(1), {{a, 1}}, to);
  } else {
    m.neuron(0, Machine::just(1), {{large, 1}}, to);
    m.neuron(0, Machine::just(1), {{a, 1}}, to);
  }
  const int rest = m.linear(1, what == Rounded::kProduct ? Combo{{to, 1}} : Combo{{to, 1}, {large, -1}});
  m.output(what == Rounded::kScore ? Combo{{to, 1}, {large, -1}} : Combo{{rest, 1}});
  return m;
}

void rounded_by_layers(Rounded what) {
  const Opened model(rounded(what).bytes);
  const Tokens tokens = some_tokens(20);
  Tokens by_plan, by_layers(tokens.size() - 1);
  CHECK(model.predict(tokens, TVM_PATH_PLAN, by_plan) == TVM_OK);
  const int kVariants[][2] = {{TVM_PROJECTION_DENSE, TVM_BYPASS_NONE},
                              {TVM_PROJECTION_SPARSE, TVM_BYPASS_ALL}};
  for (const auto& [projection, bypass] : kVariants) {
    tvm_options how = Opened::options(TVM_PATH_LAYERS);
    how.projection = projection, how.bypass = bypass;
    tvm_verify_result result{};
    result.size = sizeof result;
    CHECK(tvm_verify(model.get(), tokens.data(), tokens.size(), 1, tokens.size(), by_layers.data(), &how,
                     &result) == TVM_OK);
    CHECK(result.exact == (what == Rounded::kNothing));
    CHECK(result.exact == 0 || by_layers == by_plan);
  }
}

}  // namespace

int main() {
  const Tokens tokens = some_tokens(60);
  bool right = true;
  right &= readers_of_inputs(tokens);
  right &= cleared_slots(tokens);
  right &= opaque_sums(tokens);
  right &= agrees("constant gates of a mean", constant_gates_of_a_mean(), tokens);
  CHECK(right);
  head_reads_an_input();
  for (const auto what : {Rounded::kSlot, Rounded::kProduct, Rounded::kScore, Rounded::kRecency,
                          Rounded::kSquare, Rounded::kNothing})
    rounded_by_layers(what);
}
