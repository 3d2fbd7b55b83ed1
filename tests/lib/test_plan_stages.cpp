// The stages of the plan, one by one: what folding finds, intervals, what is known at a position, tapes,
// states between positions, and the store of records against the definition.
#include <map>
#include <memory>
#include <string>

#include "base/key_map.hpp"
#include "kernel/paged_store.hpp"
#include "machine.hpp"
#include "model/model.hpp"
#include "plan/fold/fold.hpp"
#include "plan/plan.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/specialize/block_versions.hpp"

namespace {

using namespace tvm::plan;

std::mt19937_64 random_source(2);
std::int64_t between(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random_source);
}

// Least distance, then newest, over keys from a few neighbours to the ends of int64.
void records() {
  for (int round = 0; round < 300; ++round) {
    const std::int64_t reach = round % 3 == 0 ? 6 : round % 3 == 1 ? 3000 : INT64_MAX;
    tvm::KeyMap store(2);
    CHECK(store.empty());
    std::vector<std::pair<std::int64_t, std::int64_t>> past;  // key, value
    for (std::int64_t now = 0; now < 400; ++now) {
      const std::int64_t key = round % 5 == 0 ? 7 * between(-20, 20) : between(-reach, reach);
      std::int64_t* row = store.write(store.place(key), now);
      row[0] = now, row[1] = key;
      past.emplace_back(key, now);
      CHECK(!store.empty());
      for (int i = 0; i < 4; ++i) {
        const std::int64_t query = i == 3 ? past[static_cast<std::size_t>(between(0, now))].first
                                          : std::clamp<std::int64_t>(key + between(-9, 9), -reach, reach);
        Wide least = -1;
        std::int64_t best = 0, same = -1;
        for (const auto& [k, value] : past) {
          const Wide distance = k < query ? Wide{query} - k : Wide{k} - query;
          if (least < 0 || distance <= least) least = distance, best = value;
          if (k == query) same = value;
        }
        CHECK(store.row(store.nearest(query))[0] == best);
        CHECK((store.get(query) == nullptr) == (same < 0));
        CHECK(same < 0 || (store.get(query)[0] == same && store.get(query)[1] == query));
      }
    }
  }
}

// The records since a position, by ascending key.
void all_of(const tvm::kernel::PagedStore& store, const std::map<std::int64_t, std::int64_t>& newest) {
  for (const std::int64_t since : {0, 1, 20000, 39999, 40000}) {
    auto next = newest.begin();
    const auto skip = [&] {
      while (next != newest.end() && next->second < since) ++next;
    };
    store.for_each(since, [&](std::int64_t key, const unsigned char* row) {
      skip();
      CHECK(next != newest.end() && next->first == key && next->second == tvm::kernel::now_of(row));
      ++next;
    });
    skip();
    CHECK(next == newest.end());
  }
}

// A directory that is told of far keys comes to cover those that are not too far, and nothing is lost by it.
void far_records() {
  constexpr std::int64_t kMemory = std::int64_t{1} << 20, kTooFar = std::int64_t{1} << 40;
  tvm::kernel::Store view{};
  tvm::kernel::PagedStore store(view, 8);
  std::map<std::int64_t, std::int64_t> newest;
  const auto covered = [&](std::int64_t key) {
    return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(view.low) < view.span;
  };
  for (std::int64_t now = 0; now < 40000; ++now) {
    const std::int64_t key = (now % 3 == 0   ? 0
                              : now % 3 == 1 ? kMemory
                                             : kTooFar) +
                             between(now < 20000 ? -200 : -5000, 200);
    if (now % 5 == 0 && !store.empty()) {
      store.widen(key);
      const std::int64_t found = tvm::kernel::now_of(store.find(key));
      CHECK(newest.count(key) > 0 ? found == newest[key] : found < 0);
    } else {
      store.widen(key);
      tvm::kernel::PagedStore::stamp(store.place(key), now);
      newest[key] = now;
    }
  }
  CHECK(covered(0) && covered(kMemory) && !covered(kTooFar));
  all_of(store, newest);

  tvm::kernel::Store near_view{};
  tvm::kernel::PagedStore near(near_view, 8);
  newest.clear();
  for (std::int64_t now = 0; now < 40000; ++now) {
    const std::int64_t key = between(-5000, 300);
    tvm::kernel::PagedStore::stamp(near.place(key), now);
    newest[key] = now;
  }
  all_of(near, newest);
}

void functions() {
  const Function f{.low = -2, .slope = 3, .values = {0, 1, 5}};
  const auto at = [&](std::int64_t c) {
    std::int64_t result = 0;
    CHECK(f.at(c, result));
    return result;
  };
  CHECK(at(INT64_MIN) == 0 && at(-3) == 0 && at(-2) == 0 && at(-1) == 1 && at(0) == 5 && at(1) == 8);
  CHECK(at(INT64_MAX / 3 - 5) == INT64_MAX / 3 * 3 - 10);
  std::int64_t result = 0;
  CHECK(!f.at(INT64_MAX, result));
  const Function flat{.low = -2, .slope = 0, .values = {0, 4}};
  CHECK(flat.at(INT64_MAX, result) && result == 4);  // the distance from low leaves 64 bits

  // Intervals are those of the values.
  Network network;
  for (int round = 0; round < 200; ++round) {
    Function any{.low = between(-5, 5), .slope = between(-2, 2), .values = {}};
    for (std::int64_t i = between(1, 9); i > 0; --i) any.values.push_back(between(-9, 9));
    const Function& g = network.functions[network.add_function(any)];
    for (int i = 0; i < 20; ++i) {
      const std::int64_t low = between(-12, 12), high = low + between(0, 15);
      Interval seen{kFar, -kFar};
      for (std::int64_t c = low; c <= high; ++c) {
        CHECK(g.at(c, result));
        seen = hull(seen, {result, result});
      }
      const Interval found = g.interval({low, high});
      CHECK(found.low == seen.low && found.high == seen.high);
    }
  }
}

struct Folded {
  explicit Folded(const Machine& machine) : network(fold(tvm::read_model(machine.bytes.bytes(), "model"))) {}
  Network network;
  const Node& feature() const {
    CHECK(network.features.size() == 1 && network.features[0].size() == 1);
    return network.nodes[network.features[0][0].node];
  }
  std::size_t count(Kind kind) const {
    const auto live = live_nodes(network);
    std::size_t sum = 0;
    for (NodeId id = 0; id < network.nodes.size(); ++id) sum += live[id] && network.nodes[id].kind == kind;
    return sum;
  }
};

void folding() {
  {  // copies, a passthrough head and a neuron that is always open are substitutions
    Machine m(10, 3);
    const int a = m.token_slot({0, 1, 2});
    m.output({{m.linear(2, {{m.passthrough(1, {{m.linear(0, {{a, 1}}), 1}}), 1}}), 1}});
    CHECK(Folded(m).feature().kind == Kind::kToken);
  }
  {  // a gather of a gather is a token at an index bounded by an index; none keeps a history
    Machine m(10, 2);
    const int a = m.token_slot({0, 1, 2});
    const int near = m.gather(0, Machine::position(-2), {{a, 1}});
    m.output({{m.gather(1, Machine::position(-3), {{near, 1}}), 1}});
    const Folded folded(m);
    const Node& token = folded.feature();
    CHECK(token.kind == Kind::kTokenAt && folded.network.histories.empty());
    const Node& inner = folded.network.nodes[token.at];
    CHECK(inner.kind == Kind::kIndex && folded.network.nodes[inner.at].kind == Kind::kIndex);
    CHECK((folded.network.nodes[inner.at].value == Expr{{kOneNode, -3}, {kPositionNode, 1}}));
  }
  {  // a sum, and what it was
    Machine m(10, 2);
    const int a = m.token_slot({0, 1, 2}), sum = m.sum(0, {{a, 1}});
    m.output({{sum, 1}});
    CHECK(Folded(m).network.counts_all(Folded(m).feature()));
    m.output({{m.gather(1, Machine::position(-1), {{sum, 1}}), 1}});
    CHECK(Folded(m).feature().kind == Kind::kHistoryAt && Folded(m).network.histories.size() == 1);
  }
  {  // heads of equal keys share a store, two values a record, one query a lookup
    Machine m(10, 1);
    const int key = m.token_slot({0, 1, 2}), square = m.token_slot({0, 1, 4}), a = m.token_slot({5, 6, 7, 8});
    const int first = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{a, 1}}, {{a, 1}}, {{key, 1}});
    const int second = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{a, 1}}, {{0, 1}});
    m.output({{first, 1}, {first + 1, 3}, {second, 5}});
    const Folded folded(m);
    CHECK(folded.network.stores.size() == 1 && folded.network.stores[0].columns.size() == 3);
    CHECK(folded.count(Kind::kLookup) == 1 && folded.count(Kind::kFound) == 3);
  }
  {  // products: closed, open, and together a step, an equality, a function
    Machine m(10, 1);
    const int a = m.token_slot({0, 1, 2}), b = m.token_slot({3, 4, 5, 6});
    const auto kind = [&](int slot) {
      m.output({{slot, 1}});
      return Folded(m).feature().kind;
    };
    CHECK(kind(m.product(0, {{a, 1}}, {{b, 1}})) == Kind::kProduct);
    CHECK(kind(m.step(0, {{a, 1}}, {{b, 1}})) == Kind::kStep);
    CHECK(kind(m.equal(0, {{a, 1}}, {{b, 1}})) == Kind::kEqual);
    const int to = m.slot();
    for (int i = 0; i < 20; ++i)
      m.neuron(0, {{a, 1}, {Machine::kOne, -i}}, Machine::just(1), to, i % 2 == 0 ? 1 : -1);
    CHECK(kind(to) == Kind::kFunction);
    m.output({{m.product(0, Machine::just(-1), {{b, 1}}), 1}});
    CHECK(Folded(m).network.features.empty());
  }
  {  // a few weights stand for a long table: one of at most 256 entries a bend
    Machine m(4, 1);
    const int a = m.token_slot({0, 1, 2, 3});
    Combo all;
    for (const int last : {16 * 256 - 1, 16 * 256, 1 << 20}) {
      const int to = m.slot();
      for (int k = 0; k < 16; ++k)
        m.neuron(0, {{a, 1}, {Machine::kOne, k < 15 ? -k : -last}}, Machine::just(1), to,
                 k % 2 == 0 ? 1 : -1);
      all = plus(all, {{to, 1}});
    }
    m.output(all);
    const Folded folded(m);
    CHECK(folded.count(Kind::kFunction) == 1 && folded.network.table_entries == 16 * 256);
    const Opened model(m.bytes);
    Tokens by_layers, by_plan;
    CHECK(model.predict({0, 1, 2, 3, 2}, TVM_PATH_LAYERS, by_layers) == TVM_OK);
    CHECK(model.predict({0, 1, 2, 3, 2}, TVM_PATH_PLAN, by_plan) == TVM_OK && by_plan == by_layers);
  }
  {  // what is read in an unknown way is declined, with the place
    Machine m(10, 2);
    const int a = m.token_slot({0, 1, 2});
    m.bytes.wout(1, m.slot(), 0, 0) = 1;
    m.bytes.qkv(1, 0, 0, 1, a) = 1;
    m.bytes.qkv(1, 1, 0, 0, a) = 1;
    std::string why;
    CHECK(build_plan(tvm::read_model(m.bytes.bytes(), "model"), why) == nullptr);
    CHECK(why.find("layer 1, head 0: its query has no constant second component") != std::string::npos);
  }
}

// Two coordinates of a point, taken together, close the gates of all other points.
void ranges() {
  Machine m(10, 2);
  const int x = m.token_slot({3, 4, -3, 0, -4}), y = m.token_slot({4, 3, 4, 5, -3});
  const int x_at = m.gather(0, Machine::position(-1), {{x, 1}}),
            y_at = m.gather(0, Machine::position(-1), {{y, 1}});
  const int to = m.slot();
  const int points[][2] = {{3, 4}, {4, 3}, {-3, 4}, {0, 5}, {-4, -3}};
  for (const auto& p : points)
    m.neuron(1, {{x_at, 1.0 * p[0]}, {y_at, 1.0 * p[1]}, {Machine::kOne, -24}}, Machine::just(p[0]), to);
  m.output({{to, 1}});
  const Folded folded(m);
  Network network = folded.network;
  const auto live = live_nodes(network);
  Division division = choose_division(network, live);
  CHECK(division.selectors.size() == 1 && division.selectors[0].nodes.size() == 2 &&
        division.selectors[0].cases() == 5);
  narrow_intervals(network, division);
  int narrowed = 0;
  Interval all;
  for (NodeId id = 0; id < network.nodes.size(); ++id) {
    if (!live[id] || network.nodes[id].kind != Kind::kProduct) continue;
    const Interval before = folded.network.intervals[id], after = network.intervals[id];
    CHECK(after.low >= -4 && after.high <= 4 && after.low >= before.low && after.high <= before.high);
    all = {std::min(all.low, after.low), std::max(all.high, after.high)};
    narrowed += before.low < -4 || before.high > 4;
  }
  CHECK(narrowed == 3 && all.low == -4 && all.high == 4);
}

struct Planned {
  explicit Planned(const Machine& machine)
      : plan(build_plan(tvm::read_model(machine.bytes.bytes(), "model"), why)) {
    CHECK(plan != nullptr);
  }
  std::string why;
  std::unique_ptr<const Plan> plan;
};

std::string codes(const Tape& tape) {
  std::string all;
  for (const Op& op : tape.ops) all += std::string(all.empty() ? "" : " ") + text_of(op.code).label;
  return all;
}

// A machine of two kinds of tokens: a flag opens or closes everything.
void evaluation_and_tapes() {
  Machine m(10, 2);
  const int flag = m.token_slot({0, 1}), a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const int sum = m.sum(0, {{flag, 1}});
  const int past = m.gather(1, {{sum, 1}}, {{a, 1}});
  m.output({{m.product(1, {{flag, 1}}, {{past, 1}}), 1}});
  const Planned planned(m);
  const Plan& plan = *planned.plan;
  BlockVersions versions(plan.subject(), 4);
  const std::uint32_t off = plan.division().token_class[0], on = plan.division().token_class[1];
  CHECK(off != on);
  Context* start = versions.start();
  // Without the flag nothing is looked at and nothing is added; the prediction is known.
  CHECK(codes(versions.step(*start, off, true)->tape) == "recall predict");
  CHECK(codes(versions.step(*start, on, true)->tape) == "add_to_sum token_near recall predict");
  CHECK(codes(versions.step(*start, on, false)->tape) == "add_to_sum end");
  Context* later = versions.step(*start, off, true)->after;
  CHECK(later != start && !later->known.first);
  CHECK(codes(versions.step(*later, off, true)->tape) == "recall predict");
  CHECK(versions.step(*later, off, true)->after == versions.step(*later, off, false)->after);
  // With it the sum changes, and the token there is read.
  CHECK(codes(versions.step(*later, on, true)->tape) == "add_to_sum token_near recall predict");
  // States are found again: a loop of tokens is a loop of states.
  Context* once = versions.step(*later, on, true)->after;
  CHECK(versions.step(*once, on, true)->after ==
        versions.step(*versions.step(*once, on, true)->after, on, true)->after);

  // What is known, node by node.
  std::vector<std::uint32_t> cases(plan.division().selectors.size(), kNoCase);
  PartialEvaluator open(plan.subject(), later->known, on, cases, 4),
      closed(plan.subject(), later->known, off, cases, 4);
  for (NodeId id = 0; id < plan.network().nodes.size(); ++id) {
    if (!plan.subject().uses.live[id]) continue;
    switch (plan.network().nodes[id].kind) {
      case Kind::kSum: CHECK(open.delta(id) == 1 && closed.delta(id) == 0); break;
      case Kind::kIndex: CHECK(!open.delta(id) && closed.delta(id) == 0); break;
      case Kind::kProduct:
        CHECK(closed.residual(id).empty() && open.residual(id).size() == 1 &&
              open.residual(id)[0].node != id);
        break;
      case Kind::kPosition: CHECK(open.delta(id) == 1); break;
      default: break;
    }
  }
}

// Tokens that make a number are one op, read where they are; the record just entered is not looked up, but
// kept as if it had been.
void words_and_records() {
  Machine m(10, 3);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), key = m.token_slot({0, 1, 2, 3}),
            square = m.token_slot({0, 1, 4, 9});
  Combo word;
  for (int i = 0; i < 5; ++i) word.emplace_back(m.gather(0, Machine::position(-i), {{a, 1}}), 1 << i);
  const int number = m.linear(0, word);
  const int own = m.lookup(1, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {{number, 1}});
  m.output({{own, 1}});
  const Planned planned(m);
  BlockVersions versions(planned.plan->subject(), 0);
  const std::uint32_t any = planned.plan->division().token_class[1];
  Context* later = versions.step(*versions.start(), any, true)->after;
  CHECK(codes(versions.step(*later, any, true)->tape) == "token_sum insert linear recall predict");
}

// The bits of two tokens, anded, and those of one times a function of a third token: a table each over what
// the tokens' columns are together, by which the prediction is tabulated.
void tables() {
  Machine m(300, 2);
  std::vector<int> low, high;
  for (int bit = 0; bit < 4; ++bit) {
    std::vector<double> values;
    for (int t = 0; t < 16; ++t) values.push_back(t >> bit & 1);
    const int column = m.token_slot(values);
    low.push_back(m.gather(0, Machine::position(-1), {{column, 1}}));
    high.push_back(m.gather(0, Machine::position(-2), {{column, 1}}));
  }
  const int count = m.gather(0, Machine::position(-3), {{m.token_slot({0, 1, 2, 3, 4}), 1}}), to = m.slot();
  for (std::size_t bit = 0; bit < 4; ++bit)
    m.neuron(1, {{low[bit], 1}, {high[bit], 1}, {Machine::kOne, -1}}, Machine::just(1 << bit), to);
  for (int i = 0; i < 3; ++i)
    m.neuron(1, {{count, 1}, {Machine::kOne, -i}},
             {{high[0], 1}, {high[1], 2}, {high[2], i + 1}, {high[3], 8}}, to);
  m.output({{to, 1}});
  const Planned planned(m);
  const Network& net = planned.plan->network();
  CHECK(net.functions.size() == 2);
  CHECK(net.functions[0].values.size() == 256 && net.functions[1].values.size() == 80);
  BlockVersions versions(planned.plan->subject(), 0);
  const std::uint32_t any = planned.plan->division().token_class[1];
  Context* later = versions.step(*versions.start(), any, true)->after;
  CHECK(codes(versions.step(*later, any, true)->tape) ==
        "token_near token_near function token_near token_near function recall linear predict");

  std::vector<std::int32_t> tokens{0};
  for (int i = 0; i < 20000; ++i) tokens.push_back(static_cast<std::int32_t>(between(0, 299)));
  std::vector<std::int32_t> predicted(tokens.size() - 1);
  const NarrowTokens narrow(tokens.begin(), tokens.end());
  Interpreter(*planned.plan, 0).predict(narrow.data(), tokens.size(), predicted.data());
  for (std::size_t t = 0; t < predicted.size(); ++t) {
    const auto before = [&](std::size_t back) { return tokens[t - std::min(t, back)]; };
    const int a = before(1) % 16, h = before(2) % 16, n = before(3) % 5;
    int sum = a & h;
    for (int i = 0; i < 3; ++i)
      sum += std::max(0, n - i) * ((h & 1) + (h & 2) + (h >> 2 & 1) * (i + 1) + (h & 8));
    CHECK(predicted[t] == sum);
  }
}

// Many gates that are at hand are one op, with the values of the few that are open.
void batches() {
  Machine m(200, 3);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const int past = m.gather(0, Machine::position(-1), {{a, 1}}),
            older = m.gather(0, Machine::position(-2), {{a, 1}});
  Combo all;
  for (int i = 0; i < 9; ++i) {
    const Combo gate = plus({{past, 1}, {older, i % 2}}, Machine::just(-i));
    all.emplace_back(i % 3 == 0 ? m.step(1, gate, {{older, 1}}) : m.product(1, gate, {{past, 1}}),
                     i % 2 == 0 ? 1 : -1);
  }
  m.output(all, -100);
  Subject subject{Folded(m).network, {}, {}, {}};  // not specialised
  subject.division.classes.assign(1, {});
  subject.division.token_class.assign(200, 0);
  subject.find_uses();
  const Plan plan(std::move(subject));
  BlockVersions versions(plan.subject(), 0);
  const Tape& tape = versions.step(*versions.step(*versions.start(), 0, true)->after, 0, true)->tape;
  CHECK(codes(tape) == "token_near token_near recall batch predict");
  CHECK(tape.batches.size() == 1 && tape.batches[0].ops.size() == 9 && tape.batches[0].columns.size() == 2);

  Interpreter sequence(plan, 0);
  const std::vector<std::int32_t> tokens{0, 3, 9, 1, 0, 0, 7, 5, 8, 8, 2, 6, 0, 4};
  std::vector<std::int32_t> predicted(tokens.size() - 1);
  const NarrowTokens narrow(tokens.begin(), tokens.end());
  sequence.predict(narrow.data(), narrow.size(), predicted.data());
  for (std::size_t t = 0; t < predicted.size(); ++t) {
    const std::int32_t one = tokens[t - std::min<std::size_t>(t, 1)],
                       two = tokens[t - std::min<std::size_t>(t, 2)];
    std::int32_t sum = 0;
    for (int i = 0; i < 9; ++i) {
      const std::int32_t gate = one + i % 2 * two - i;
      sum += (i % 2 == 0 ? 1 : -1) * (gate < 1 ? 0 : i % 3 == 0 ? two : gate * one);
    }
    CHECK(predicted[t] == std::clamp(sum + 100, 0, 199));
  }
}

}  // namespace

int main() {
  records();
  far_records();
  functions();
  folding();
  ranges();
  evaluation_and_tapes();
  words_and_records();
  tables();
  batches();
}
