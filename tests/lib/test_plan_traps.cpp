// One model per trap of the plan: each is small, runs exactly on the layer path, and has a part that a
// compiler of networks can get wrong. The plan gives the layer path's tokens, or refuses. What slots hold
// that is no integer, and slots that are cleared, are in test_plan_slots.cpp.
#include "plan_agrees.hpp"

namespace {

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
  CHECK(right);
  checked_once();
  limits_of_the_count();
}
