// One model per trap of the plan: each is small, runs exactly on the layer path, and has a part that a
// compiler of networks can get wrong. The plan gives the layer path's tokens, or refuses.
#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>

#include "machine.hpp"

namespace {

constexpr int kStop = 9;  // models have tokens 0 .. 9

enum class Expect { kEqual, kRefused, kEither };

void show(const char* name, const Tokens& tokens) {
  std::fprintf(stderr, "%s:", name);
  for (const auto token : tokens) std::fprintf(stderr, " %d", token);
  std::fprintf(stderr, "\n");
}

bool agrees(const char* name, const Machine& machine, const Tokens& tokens, Expect expect = Expect::kEqual) {
  const Opened model(machine.bytes);
  Tokens by_layers, by_plan, found;
  CHECK(model.predict(tokens, TVM_PATH_LAYERS, by_layers) == TVM_OK);
  const tvm_status status = model.predict(tokens, TVM_PATH_PLAN, by_plan);
  // `auto` may leave the plan, but gives the tokens.
  const tvm_status automatic = model.predict(tokens, TVM_PATH_AUTO, found);
  const bool refused = status == TVM_ERROR_UNSUPPORTED || status == TVM_ERROR_LIMIT;
  if (refused && expect != Expect::kEqual)
    return automatic == (status == TVM_ERROR_LIMIT ? TVM_ERROR_LIMIT : TVM_OK) &&
           (automatic != TVM_OK || found == by_layers);
  if (status != TVM_OK) std::fprintf(stderr, "%s: status %d: %s\n", name, status, tvm_last_error());
  if (status != TVM_OK || expect == Expect::kRefused) return false;
  if (by_plan != by_layers) {
    show("tokens", tokens);
    show(name, by_layers);
    show("  plan", by_plan);
  }
  return by_plan == by_layers && automatic == TVM_OK && found == by_layers;
}

bool predicts(const Machine& machine, const Tokens& tokens, std::int32_t token) {
  const Opened model(machine.bytes);
  Tokens predicted;
  CHECK(model.predict(tokens, TVM_PATH_PLAN, predicted) == TVM_OK);
  return std::all_of(predicted.begin(), predicted.end(), [&](auto t) { return t == token; });
}

Tokens some_tokens(int length) {
  Tokens all;
  std::mt19937 random(5);
  for (int i = 0; i < length; ++i) all.push_back(static_cast<std::int32_t>(random() % kStop));
  return all;
}

// Two layers look into what has the same keys, but the second reads a value that is only computed after
// the first has looked.
Machine value_after_the_first_lookup() {
  Machine m(10, 2);
  const int key = m.token_slot({0, 1, 2}), square = m.token_slot({0, 1, 4}),
            other = m.token_slot({2, 0, 1, 1});
  const int early = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {{other, 1}});
  const int late = m.product(0, Machine::position(-1), Machine::just(1));
  const int found = m.lookup(1, {{key, 1}}, {{square, 1}}, {}, {{other, 1}}, {{late, 1}});
  m.output({{0, 1}, {found, -1}, {early, 1}});
  return m;
}

// And one that depends on what the first lookup finds.
Machine value_from_the_first_lookup() {
  Machine m(10, 3);
  const int key = m.token_slot({0, 1, 2}), square = m.token_slot({0, 1, 4}),
            other = m.token_slot({2, 0, 1, 1});
  const int first = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{other, 1}}, {{0, 1}});
  const int second =
      m.lookup(1, {{key, 1}}, {{square, 1}}, {}, {{key, 1}, {Machine::kOne, -1}}, {{first, 1}});
  const int third = m.lookup(2, {{key, 1}}, {{square, 1}}, {}, {{other, 1}}, {{second, 1}});
  m.output(plus(Machine::position(), {{third, -1}}));
  return m;
}

// A number that decides gates, known from the token, and not one of the values told apart.
Machine known_number_beyond_the_window(double offset) {
  Machine m(10, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4}), b = m.token_slot({0, 0, 5, 5, 5, 6});
  const int number = m.linear(0, {{a, 1}, {b, 1}, {Machine::kOne, offset}});
  const int to = m.slot();
  for (int i = 0; i < 12; ++i)
    m.add_equal(1, {{number, 1}, {Machine::kOne, -i - offset}}, Machine::just(i), to);
  m.output({{to, 1}});
  return m;
}

// A closed neuron whose value is a mean gives 0.
Machine closed_neuron_of_a_mean() {
  Machine m(10, 2);
  const int a = m.token_slot({0, 1, 2});
  const int mean = m.mean(0, {{a, 1}});
  const int nothing = m.product(0, {}, {{mean, 1}});
  const int sum = m.product(1, Machine::position(1), {{nothing, 1}});
  m.output({{sum, 1}});
  return m;
}

// The least clear wins, and may be negative.
Machine negative_clear(bool constant_key) {
  Machine m(10, 1);
  const int key = m.token_slot({0, 1, 2}), square = m.token_slot({0, 1, 4});
  const int clear = m.token_slot({0, 0, 0, 0, -1, 1}), query = m.token_slot({2, 0, 1, 1});
  const Combo none;
  const int found = m.lookup(0, constant_key ? none : Combo{{key, 1}},
                             constant_key ? none : Combo{{square, 1}}, {{clear, 1}}, {{query, 1}}, {{0, 1}});
  m.output(plus(Machine::position(), {{found, -1}}));
  return m;
}

// An index that is 0 for tokens of one class, into what is kept of positions: its register still holds
// another position's.
Machine history_at_a_known_index() {
  Machine m(10, 2);
  const int flag = m.token_slot({0, 1}), a = m.token_slot({1, 0, 2});
  const int index = m.step(0, {{flag, 1}}, Machine::position(-2));
  const int sum = m.sum(0, {{a, 1}});
  const int found = m.gather(1, {{index, 1}}, {{sum, 1}});
  m.output({{found, 1}});
  return m;
}

// The same as the bound of another index: a position read at the past position.
Machine index_bounded_by_a_known_index() {
  Machine m(10, 3);
  const int flag = m.token_slot({0, 1}), a = m.token_slot({1, 5, 2, 7, 3, 4, 6, 0, 8, 9});
  const int index = m.step(0, {{flag, 1}}, Machine::position(-2));
  const int ahead = m.gather(1, {{0, 1}, {Machine::kOne, -1}, {a, 1}}, {{a, 1}});
  const int found = m.gather(2, {{index, 1}}, {{ahead, 1}});
  m.output({{found, 1}});
  return m;
}

// Products that leave 64 bits with a factor that a token makes large; the result is 0 in these runs.
Machine large_factor() {
  Machine m(10, 2);
  const int factor = m.token_slot({1, 0x1p40}), a = m.token_slot({0});
  const int zero = m.gather(0, Machine::position(-1), {{a, 1}, {0, 1}});
  const int to = m.product(1, {{factor, 1}}, {{zero, 0x1p30}, {0, -0x1p30}, {Machine::kOne, 0x1p30}});
  m.output({{to, 1}});
  return m;
}

// Tokens around a position that together leave 64 bits. Powers of two: float64 is exact.
Machine large_token_sum() {
  Machine m(10, 2);
  const int large = m.token_slot({0, 0x1p61});
  Combo all;
  for (int i = 1; i <= 4; ++i) all.emplace_back(m.gather(0, Machine::position(-i), {{large, 1}}), 4);
  const int sum = m.linear(0, all);
  m.output({{sum, 1}});
  return m;
}

// A function of an integer far from its table: 8 from 16 bends below 0 on.
Machine far_argument(double large) {
  Machine m(10, 2);
  const int a = m.token_slot({0, large}), b = m.token_slot({0, large - 1024});
  const int number = m.linear(0, {{a, 1}, {b, 1}});
  const int to = m.slot();
  for (int i = 0; i < 16; ++i)
    m.neuron(1, {{number, 1}, {Machine::kOne, 4000.0 - i}}, Machine::just(1), to, i % 2 == 0 ? 1 : -1);
  m.output({{to, 1}});
  return m;
}

// A record found at once decides gates, and lies in a store with a second column that nobody reads; what the
// column needs of the past is read elsewhere.
Machine history_of_a_dead_column(bool lookups) {
  Machine m(10, 4);
  const int clear = m.token_slot({0, 1}), small = m.token_slot({0, 1, 2, 3}), a = m.token_slot({1, 2, 0});
  const int sum = m.sum(0, {{a, 1}});
  const int dead =
      lookups ? m.lookup(1, {}, {}, {}, {}, {{sum, 1}}) : m.gather(1, Machine::position(-1), {{sum, 1}});
  const int live = lookups ? m.lookup(1, {}, {}, {}, {{a, 1}}, {{sum, 1}})
                           : m.gather(1, Machine::position(-2), {{sum, 1}});
  const int before = m.gather(1, Machine::position(-1), {{clear, 1}});
  const int number = m.lookup(2, {}, {}, {{before, 1}}, {}, {{small, 1}}, {{dead, 1}});
  const int to = m.slot();
  for (int i = 0; i < 4; ++i)
    m.add_equal(2, {{number, 1}, {Machine::kOne, -i}}, {{live, 1}, {Machine::kOne, i}}, to);
  m.output({{to, 1}});
  return m;
}

// An index beyond the present moves with it, and is not what it was one position before.
Machine index_beyond_the_present() {
  Machine m(10, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), ahead = m.token_slot({20});
  const int always = m.gather(0, {{ahead, 1}}, {{a, 1}});
  const int sometimes = m.gather(0, Machine::just(6), {{a, 1}});
  m.output({{always, 1}, {sometimes, 1}});
  return m;
}

// Its argument counts only some positions, so most leave it as it was.
Machine steady_index() {
  Machine m(10, 2);
  const int flag = m.token_slot({0, 0, 0, 1}), a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const int count = m.sum(0, {{flag, 1}});
  const int token = m.gather(1, {{count, 2}, {Machine::kOne, 3}}, {{a, 1}});
  const int sum = m.gather(1, {{count, 1}}, {{count, 1}});
  m.output({{token, 1}, {sum, 1}});
  return m;
}

// Entered by some tokens only: what was found stays what it was until then.
Machine steady_lookup() {
  Machine m(10, 2);
  const int flag = m.token_slot({0, 0, 0, 1}), clear = m.token_slot({0, 1, 1, 0, 1});
  const int key = m.token_slot({0, 1, 2, 3}), square = m.token_slot({0, 1, 4, 9});
  const int count = m.sum(0, {{flag, 1}});
  const int found = m.lookup(1, {{key, 1}}, {{square, 1}}, {{clear, 1}}, {{count, 1}}, {{0, 1}}, {{key, 1}});
  const int match = m.equal(1, {{count, 1}, {found + 1, -1}}, {{found, 1}});
  m.output({{match, 1}});
  return m;
}

// A past position that is read both as a number and as an index.
Machine index_as_a_number(bool token) {
  Machine m(10, 1);
  const int a = m.token_slot({0, 1, 2}), back = m.token_slot({1, 3, 2, 5});
  const int at = m.gather(0, {{0, 1}, {back, -1}}, {{0, 1}});
  Combo seen{{0, 1}, {at, -1}};
  if (token) seen.emplace_back(m.gather(0, {{0, 1}, {back, -1}}, {{a, 1}}), 1);
  m.output(seen);
  return m;
}

void limits_of_the_count() {
  Machine m(10, 1);
  m.output(Machine::position());
  const Opened model(m.bytes);
  const Tokens prompt{0, 0};
  for (const int path : {TVM_PATH_PLAN, TVM_PATH_LAYERS})
    for (const std::uint64_t limit : {std::uint64_t{0}, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2}) {
      const tvm_options how = Opened::options(path);
      tvm_run_result result{};
      result.size = sizeof result;
      CHECK(tvm_generate(model.get(), prompt.data(), 2, limit, nullptr, nullptr, &how, &result) == TVM_OK);
      CHECK(result.stopped == TVM_STOPPED_TOKEN && result.tokens == 9);
    }
}

// In the known case of one selector the number that another one branches on is a constant.
Machine branch_on_a_known_number() {
  Machine m(10, 5);
  const int first = m.token_slot({0, 11, 12, 13, 14, 15, 16, 17, 18, 19}),
            t = m.token_slot({0, 0, 1, 2, 3, 4, 5, 0, 1, 2}),
            u = m.token_slot({3, 0, 1, 2, 3, 1, 2, 3, 0, 1});
  const int steady = m.gather(0, Machine::just(1), {{first, 1}});  // its case is known from position 2 on
  const int past = m.gather(0, Machine::position(-1), {{u, 1}});
  const int x = m.product(0, {{past, 1}, {steady, 1}}, Machine::just(1));  // <= 3 in the case 0, else <= 22
  const int cases = m.slot();                                              // makes `steady` a selector
  for (int i = 0; i < 4; ++i)
    m.add_equal(1, plus({{steady, 1}}, Machine::just(-11 - 2 * i)), {{t, 1}}, cases);
  const int at = m.slot();  // 3 + t + (past where x >= 6)
  m.add_step(1, plus({{x, 1}}, Machine::just(-5)), {{past, 1}}, at);
  m.neuron(1, Machine::just(1), plus({{t, 1}}, Machine::just(3)), at);
  const int wave = m.slot();  // of `at`: 0 1 3 2 0 1 3 2 ..
  double slope = 0;
  for (int i = 0; i < 20; ++i) {
    constexpr double kSlopes[] = {1, 2, -1, -2};
    const double next = i == 19 ? 0 : kSlopes[i % 4];
    m.neuron(2, plus({{at, 1}}, Machine::just(-i)), Machine::just(1), wave, next - slope);
    slope = next;
  }
  const int to = m.slot();
  for (int i = 0; i < 8; ++i) m.add_equal(3, plus({{wave, 1}}, Machine::just(-i)), Machine::just(i + 1), to);
  m.output({{to, 1}, {cases, 1}});
  return m;
}

// Both parts of the gate are beyond every interval, their difference is not.
Machine difference_of_large_numbers() {
  Machine m(10, 2);
  std::vector<double> values;
  for (int t = 0; t < 10; ++t) values.push_back(0x1p50 + t);
  const int a = m.token_slot(values), past = m.gather(0, Machine::position(-1), {{a, 1}});
  m.output({{m.product(0, {{a, 0x1p52}, {past, -0x1p52}}, Machine::just(1)), 1}});
  return m;
}

// 16 terms of 2^124 are 0 modulo 2^128.
Machine sum_beyond_128_bits() {
  Machine m(80, 2, 128);
  Combo sum;
  for (int k = 0; k < 16; ++k) {
    std::vector<double> values;
    for (int t = 0; t < 80; ++t) values.push_back(t == 3 ? 0x1p62 : t == 0 ? 0 : t + k);
    if (k > 0) std::swap(values[10], values[static_cast<std::size_t>(10 + k)]);
    sum.emplace_back(m.token_slot(values), 0x1p62);
  }
  m.output({{m.linear(1, sum), 1}});
  return m;
}

// Scores of 2^124, or for `alone` in one row of 2^128.
Machine large_scores(bool alone) {
  Machine m(10, 2, 128);
  std::vector<double> values(10, 0);
  values[3] = 0x1p62;
  const int a = m.token_slot(values);
  std::fill(m.bytes.head.begin(), m.bytes.head.end(), 0.0);
  for (int i = 0; i < (alone ? 16 : 9); ++i) {
    const int past = m.gather(0, Machine::position(-i), {{a, 1}});
    m.bytes.out_row(alone ? 5 : i, past) = alone || i == 4 ? 0x1p62 : -0x1p62;
    if (alone) m.bytes.out_row(6 + i % 2, past) = -std::ldexp(1, i);  // keeps the features apart
  }
  return m;
}

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

// A run that leaves the plan on its way counts what the layers check, and nothing twice.
void checked_once() {
  Machine m(10, 1);
  const int key = m.token_slot({0, 1, 2, 3}), square = m.token_slot({0, 1, 4, 8});
  m.output({{m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {{0, 1}}), 1}});
  const Opened model(m.bytes);
  const Tokens tokens{0, 1, 2, 0, 1, 3, 0, 1};
  Tokens predicted(tokens.size());
  CHECK(model.predict(tokens, TVM_PATH_PLAN, predicted) == TVM_ERROR_UNSUPPORTED);
  const tvm_options how = Opened::options(TVM_PATH_AUTO);
  tvm_verify_result result{};
  result.size = sizeof result;
  CHECK(tvm_verify(model.get(), tokens.data(), tokens.size(), 1, tokens.size(), predicted.data(), &how,
                   &result) == TVM_OK);
  CHECK(result.checked == tokens.size() - 1);
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
  right &= agrees("value after the first lookup", value_after_the_first_lookup(), tokens);
  right &= agrees("value from the first lookup", value_from_the_first_lookup(), tokens);
  for (const double offset : {0, 9, -20})
    right &= agrees("known number beyond the window", known_number_beyond_the_window(offset), tokens);
  right &= agrees("closed neuron of a mean", closed_neuron_of_a_mean(), tokens);
  for (const bool constant : {false, true})
    right &= agrees("negative clear", negative_clear(constant), tokens, Expect::kEither);
  right &= agrees("history at a known index", history_at_a_known_index(), tokens);
  right &= agrees("index bounded by a known index", index_bounded_by_a_known_index(), tokens);
  right &= agrees("large factor", large_factor(), tokens, Expect::kEither);
  right &= agrees("large token sum", large_token_sum(), tokens, Expect::kEither);
  right &= agrees("far argument", far_argument(0x1p50), tokens);
  right &= predicts(far_argument(0x1p62), tokens, 8);  // near 2^63, where float64 errs
  for (const bool lookups : {false, true})
    right &= agrees("history of a dead column", history_of_a_dead_column(lookups), tokens);
  right &= agrees("index beyond the present", index_beyond_the_present(), tokens);
  right &= agrees("steady index", steady_index(), tokens);
  right &= agrees("steady lookup", steady_lookup(), tokens);
  for (const bool token : {false, true})
    right &= agrees("index as a number", index_as_a_number(token), tokens);
  const Tokens branches{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 2, 3, 4};
  right &= agrees("branch on a known number", branch_on_a_known_number(), branches);
  right &= agrees("difference of large numbers", difference_of_large_numbers(), {1, 2, 5, 3, 3, 4, 8, 1, 2},
                  Expect::kEither);
  right &= agrees("sum beyond 128 bits", sum_beyond_128_bits(), {0, 3, 0, 3, 3, 0, 0, 3}, Expect::kEither);
  for (const bool alone : {false, true})
    right &= agrees("large scores", large_scores(alone), Tokens(20, 3), Expect::kEither);
  right &= readers_of_inputs(tokens);
  right &= cleared_slots(tokens);
  right &= opaque_sums(tokens);
  right &= agrees("constant gates of a mean", constant_gates_of_a_mean(), tokens);
  CHECK(right);
  head_reads_an_input();
  checked_once();
  for (const auto what : {Rounded::kSlot, Rounded::kProduct, Rounded::kScore, Rounded::kRecency,
                          Rounded::kSquare, Rounded::kNothing})
    rounded_by_layers(what);
  limits_of_the_count();
}
