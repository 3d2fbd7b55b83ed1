// Random small machines, each prediction computed in many ways: the layer path as written, the folded network
// node by node, tapes of an unspecialised plan, of the plan, of plans with more selectors, each of them as
// generation, as verification, and read in part.
//
//     test_plan_random [first seed [models]]
#include <cstdlib>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "model/model.hpp"
#include "plan/fold/fold.hpp"
#include "plan/ir/declined.hpp"
#include "plan/plan.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/specialize/tabulate.hpp"
#include "plan_reference.hpp"
#include "random_machine.hpp"

namespace {

using tvm::plan::Division;
using tvm::plan::Interpreter;
using tvm::plan::Network;
using tvm::plan::NodeId;
using tvm::plan::Plan;
using tvm::plan::Selector;

struct Counts {
  int models = 0, declined = 0, compared = 0, inexact = 0, refused = 0, selectors = 0, tables = 0, cases = 0;
} counts;

std::uint64_t current_seed = 0;

[[noreturn]] void fail(const char* what, std::size_t position) {
  std::fprintf(stderr, "seed %llu: %s, position %zu\n", static_cast<unsigned long long>(current_seed), what,
               position);
  std::exit(1);
}

// Intervals by case as they are defined: node by node, each from all of those before it.
void check_intervals(Network plain, const tvm::plan::Subject& subject) {
  using namespace tvm::plan;
  if (subject.division.narrowing == SIZE_MAX) return;
  const Selector& selector = subject.division.selectors[subject.division.narrowing];
  const std::vector<bool> live = live_nodes(plain);
  std::vector<bool> varies(plain.nodes.size());
  std::vector<std::vector<Interval>> cases(selector.cases(), plain.intervals);
  for (NodeId id = 0; id < plain.nodes.size(); ++id) {
    const auto chosen = std::find(selector.nodes.begin(), selector.nodes.end(), id) - selector.nodes.begin();
    const bool is_chosen = chosen < static_cast<std::ptrdiff_t>(selector.nodes.size());
    if (!live[id] || (plain.nodes[id].kind == Kind::kTokenAt && !is_chosen)) continue;
    varies[id] = is_chosen;
    for_each_operand(plain.nodes[id], [&](Terms operand) {
      for (const Term& term : operand) varies[id] = varies[id] || varies[term.node];
    });
    Interval all{kFar, -kFar};
    for (std::size_t c = 0; c < cases.size(); ++c) {
      cases[c][id] = plain.interval_of(plain.nodes[id], cases[c]);
      if (is_chosen)
        cases[c][id].low = cases[c][id].high = selector.values[c][static_cast<std::size_t>(chosen)];
      all = hull(all, cases[c][id]);
    }
    Interval& own = plain.intervals[id];
    own = {std::max(own.low, all.low), std::min(own.high, all.high)};
    for (auto& in_case : cases)
      if (!varies[id]) in_case[id] = own;
  }
  const auto same = [](const Interval& a, const Interval& b) { return a.low == b.low && a.high == b.high; };
  if (!std::equal(plain.intervals.begin(), plain.intervals.end(), subject.network.intervals.begin(), same))
    fail("intervals", 0);
  for (std::uint32_t c = 0; c < cases.size(); ++c, ++counts.cases)
    for (NodeId id = 0; id < plain.nodes.size(); ++id)
      if (live[id] && !same(subject.division.intervals.in(subject.network, c)[id], cases[c][id]))
        fail("intervals of a case", id);
}

std::unique_ptr<const Plan> plan_of(const Network& network, const Division& division, bool narrow) {
  tvm::plan::Subject subject{network, division, {}, {}};
  if (narrow) {
    tvm::plan::narrow_intervals(subject.network, subject.division);
    check_intervals(network, subject);
  }
  subject.find_uses();
  return std::make_unique<Plan>(std::move(subject));
}

// No classes, no selectors: one tape, the network itself.
Division trivial(const Network& network) {
  Division division;
  division.classes.assign(1, {});
  division.token_class.assign(network.bias.size(), 0);
  return division;
}

// Any number can be branched on, other than an index.
Division with_more_selectors(const Network& network, Division division, RandomMachine& random) {
  const auto live = tvm::plan::live_nodes(network);
  std::vector<NodeId> taken;
  for (const Selector& selector : division.selectors)
    taken.insert(taken.end(), selector.nodes.begin(), selector.nodes.end());
  for (int i = random.between(1, 4); i > 0; --i) {
    const auto id = static_cast<NodeId>(random.between(2, static_cast<int>(network.nodes.size()) - 1));
    const auto kind = network.nodes[id].kind;
    using tvm::plan::Kind;
    if (!live[id] || kind == Kind::kLookup || kind == Kind::kIndex || network.nodes[id].is_mean() ||
        std::find(taken.begin(), taken.end(), id) != taken.end() ||
        std::find(division.class_nodes.begin(), division.class_nodes.end(), id) != division.class_nodes.end())
      continue;
    taken.push_back(id);
    Selector selector;
    selector.nodes = {id};
    selector.low = random.between(-2, 1);
    for (int v = 0; v < random.between(1, 6); ++v) selector.values.push_back({selector.low + v});
    division.selectors.push_back(selector);
  }
  return division;
}

// Every prediction, as far as the plan goes.
Tokens predictions(const Plan& plan, const Tokens& tokens, std::size_t read, bool& refused) {
  Tokens found(tokens.size() - 1, -1);
  const NarrowTokens narrow(tokens.begin(), tokens.end());
  Interpreter sequence(plan, tokens[0]);
  try {
    sequence.read(narrow.data(), read);
    sequence.predict(narrow.data(), narrow.size(), found.data() + read);
  } catch (const tvm::Error& error) {
    if (error.status() != tvm::Status::kUnsupported && error.status() != tvm::Status::kLimit)
      fail(error.what(), 0);
    refused = true;
    found.resize(sequence.position());
  }
  return found;
}

void compare(const char* what, const Tokens& expected, const Tokens& found, std::size_t from) {
  for (std::size_t i = from; i < found.size(); ++i)
    if (found[i] != expected[i]) fail(what, i);
}

void check_plan(const char* what, const Plan& plan, const Tokens& tokens, const Tokens& expected, bool odd,
                std::size_t read) {
  bool refused = false;
  compare(what, expected, predictions(plan, tokens, 0, refused), 0);
  compare(what, expected, predictions(plan, tokens, read, refused), read);
  counts.refused += refused;
  if (refused && !odd) fail("refused without a reason", 0);
  if (refused) return;
  // Verification with the first token that differs, then on from there.
  const NarrowTokens narrow(tokens.begin(), tokens.end());
  Interpreter sequence(plan, tokens[0]);
  for (std::size_t position = 0; position + 1 < tokens.size();) {
    std::int32_t other = -1;
    const std::size_t stop = sequence.verify(narrow.data(), narrow.size(), other);
    for (++position; position < stop; ++position)
      if (tokens[position] != expected[position - 1]) fail("a mismatch was passed over", position);
    if (stop < tokens.size() && (other != expected[stop - 1] || other == tokens[stop]))
      fail("no mismatch", stop);
    if (stop < tokens.size() && sequence.position() != stop) fail("verification is elsewhere", stop);
  }
}

// Greedy decoding, checked by the reference.
void check_generation(const Plan& plan, const Tokens& tokens, std::int32_t stop) {
  NarrowTokens all(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() / 4 + 1));
  const std::size_t prompt = all.size();
  all.resize(prompt + 60);
  Interpreter sequence(plan, all[0]);
  try {
    sequence.read(all.data(), prompt - 1);
    sequence.generate(all.data(), all.size(), stop);
  } catch (const tvm::Error&) {
  }
  all.resize(sequence.position() + 1);
  Reference reference(plan.network());
  for (std::size_t i = 0; i + 1 < all.size(); ++i)
    if (reference.step(all[i]) != all[i + 1] && i + 1 >= prompt) fail("generation", i);
}

void model(std::uint64_t seed) {
  current_seed = seed;
  RandomMachine random(seed);
  ++counts.models;
  for (int output = 0; output < 3; ++output) {
    random.choose_output();
    const auto bytes = random.machine.bytes.bytes();
    const tvm::Model read = tvm::read_model(bytes, "model");
    Network network;
    try {
      network = tvm::plan::fold(read);
    } catch (const tvm::plan::Declined&) {
      ++counts.declined;
      continue;
    }
    const Division chosen = tvm::plan::choose_division(network, tvm::plan::live_nodes(network));
    counts.selectors += static_cast<int>(chosen.selectors.size());
    const auto folded_alone = plan_of(network, trivial(network), false),
               specialised = plan_of(network, chosen, true);
    const auto with_more = plan_of(network, with_more_selectors(network, chosen, random), true);
    const auto with_only_more =
        plan_of(network, with_more_selectors(network, trivial(network), random), true);
    const Plan whole(tvm::plan::make_subject(network));
    counts.tables += static_cast<int>(whole.network().functions.size() - network.functions.size());
    const Plan &folded = *folded_alone, &plan = *specialised, &more = *with_more,
               &only_more = *with_only_more;
    const Tokens tokens = random.tokens(random.between(2, 110));
    Reference reference(plan.network()), tabulated(whole.network());
    Tokens expected, by_layers;
    std::size_t settled = 0;  // positions whose keys are parabolas
    for (const auto token : tokens) {
      expected.push_back(reference.step(token));
      if (tabulated.step(token) != expected.back()) fail("tables are not the sums", expected.size() - 1);
      if (!reference.off() && expected.size() < tokens.size()) ++settled;
    }
    if (!reference.inside() || !tabulated.inside()) fail("a value outside of its interval", 0);
    if (reference.largest() < Reference::Wide{1} << 45) {
      const Opened opened(random.machine.bytes);
      CHECK(opened.predict(tokens, TVM_PATH_LAYERS, by_layers) == TVM_OK);
      by_layers.resize(settled);
      compare("the folded network is not the layer path's", expected, by_layers, 0);
      ++counts.compared;
    } else {
      ++counts.inexact;
    }
    const auto part = static_cast<std::size_t>(random.between(0, static_cast<int>(tokens.size()) - 1));
    check_plan("the folded tape", folded, tokens, expected, reference.odd(), part);
    check_plan("selectors", plan, tokens, expected, reference.odd(), part);
    check_plan("the plan", whole, tokens, expected, reference.odd(), part);
    check_plan("more selectors", more, tokens, expected, reference.odd(), part);
    check_plan("other selectors", only_more, tokens, expected, reference.odd(), part);
    check_generation(whole, tokens, random.machine.bytes.stop);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t first = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const std::uint64_t models = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 150;
  for (std::uint64_t seed = first; seed < first + models; ++seed) model(seed);
  std::printf(
      "%d models, %d declined; %d sequences equal to the layer path, %d beyond float64, %d refused, %d "
      "selectors, %d tables, %d cases\n",
      counts.models, counts.declined, counts.compared, counts.inexact, counts.refused, counts.selectors,
      counts.tables, counts.cases);
  // The generator must keep making what it is for.
  if (argc == 1)
    CHECK(counts.declined * 20 < counts.models && counts.compared > 2 * counts.inexact &&
          counts.selectors > 50 && counts.tables > 10 && counts.cases > 100);
}
