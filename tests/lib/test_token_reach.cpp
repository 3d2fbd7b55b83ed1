// Which tokens of the past are needed: columns that are bases; runs whose other tokens are overwritten go on
// as if nothing had happened, or stop where a far read asks for one.
#include <string>

#include "machine.hpp"
#include "model/model.hpp"
#include "plan/fold/fold.hpp"
#include "plan/plan.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/left_plan.hpp"
#include "plan/run/runs.hpp"

namespace {

using namespace tvm::plan;

constexpr int kStop = 11;

std::unique_ptr<const Plan> plan_of(const Machine& machine) {
  std::string why;
  auto plan = build_plan(tvm::read_model(machine.bytes.bytes(), "model"), why);
  CHECK(plan != nullptr);
  return plan;
}

void bases() {
  Machine m(12, 2);
  const int key = m.token_slot({0, 1, 2, 0}), square = m.token_slot({0, 1, 4, 0});
  const int clear = m.token_slot({0, 0, 0, 1});  // what the tokens 3, 7 and 11 hold has no record
  const int back = m.token_slot({0, 1, 8, 1e6}), far = m.token_slot({0, 1e6, 0, 0});
  const std::pair<Combo, bool> values[] = {
      {Machine::position(-1), true},
      {Machine::position(0), true},
      {Machine::position(1), false},
      {plus(Machine::position(), {{back, -1}}), true},
      {plus(Machine::position(), {{far, -1}}), false},
      {plus(Machine::position(), Machine::position()), false},
      {{{back, 1}}, false},
  };
  Combo all;
  for (const auto& [value, is] : values)
    all.emplace_back(m.lookup(0, {{key, 1}}, {{square, 1}}, {{clear, 1}}, {{key, 1}}, value), 1);
  // A base that is copied into another record, which may be entered at any time.
  all.emplace_back(m.lookup(1, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {all[0]}), 1);
  m.output(all);
  const Network network = fold(tvm::read_model(m.bytes.bytes(), "model"));
  const TokenBases found = find_token_bases(network);
  CHECK(found.columns.size() == 2 && found.columns[0].size() == std::size(values));
  for (std::size_t i = 0; i < std::size(values); ++i) CHECK(found.columns[0][i] == values[i].second);
  CHECK(found.columns[1] == std::vector<bool>{false});
}

// Generates, and after each `step` tokens overwrites what is not needed if far reads go to the first
// `prompt`.
NarrowTokens generated(const Plan& plan, const Tokens& given, std::size_t count, std::size_t step,
                       std::size_t prompt) {
  NarrowTokens tokens(given.begin(), given.end());
  tokens.resize(given.size() + count);
  Interpreter run(plan, tokens[0]);
  run.read(tokens.data(), given.size() - 1);
  NarrowTokens all;
  for (std::size_t end = given.size(); end < tokens.size();) {
    const std::size_t begin = end;
    end = std::min(end + step, tokens.size());
    run.generate(tokens.data(), end, kStop);
    all.insert(all.end(), tokens.begin() + static_cast<std::ptrdiff_t>(begin),
               tokens.begin() + static_cast<std::ptrdiff_t>(end));
    if (prompt == 0) continue;
    const std::vector<TokenRange> held = run.reachable(prompt);
    CHECK(held.front().begin == 0 && held.back().end == run.position());
    for (std::size_t i = 0; i + 1 < held.size(); ++i)
      for (std::size_t at = held[i].end; at < held[i + 1].begin; ++at) tokens[at] = 7;
    run.hold(held);
  }
  return all;
}

// The same by runs that give memory back: in pieces of 64 KB.
NarrowTokens by_runs(const Plan& plan, const Tokens& given, std::size_t count) {
  NarrowTokens all;
  tvm::HandOver out(count, [&](std::span<const std::uint16_t> chunk) {
    all.insert(all.end(), chunk.begin(), chunk.end());
    return true;
  });
  Engine engine{.release_after = 100000};
  generate(plan, kStop, NarrowTokens(given.begin(), given.end()), out, engine);
  return all;
}

constexpr std::size_t kLong = 2 * static_cast<std::size_t>(kRecent);

// Each token leads to a record that only the prompt has entered, and to the token behind that.
void near_reads() {
  Machine m(12, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const int key = m.token_slot({0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7});
  const int square = m.token_slot({0, 0, 0, 0, 0, 0, 0, 0, 16, 25, 36, 49});
  const int base =
      m.lookup(0, {{key, 1}}, {{square, 1}}, {}, plus({{a, 1}}, Machine::just(4)), Machine::position(-20));
  m.output({{m.gather(1, plus({{base, 1}}, Machine::just(21)), {{a, 1}}), 1}});
  const auto plan = plan_of(m);
  Tokens prompt(500, 0);
  for (const int t : {8, 1, 9, 2, 10, 3, 11, 0}) prompt.push_back(t);
  prompt.resize(1000, 0);
  const auto whole = generated(*plan, prompt, kLong, kLong, 0);
  CHECK(whole[0] == 1 && whole[1] == 2 && whole[2] == 3 && whole[3] == 0 && whole[4] == 1);
  CHECK(generated(*plan, prompt, kLong, 1000, 1) == whole);
  CHECK(by_runs(*plan, prompt, kLong) == whole);
}

// Each token names a position.
void far_reads() {
  Machine m(12, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const int at = m.token_slot({900, 910, 920, 930, 0, 0, 0, 0, 0, 0, 0, 0});
  m.output({{m.gather(0, {{at, 1}}, {{a, 1}}), 1}});
  const auto plan = plan_of(m);
  Tokens prompt(1000, 0);
  for (int t = 0; t < 4; ++t) prompt[static_cast<std::size_t>(900 + 10 * t)] = (t + 1) % 4;
  const auto whole = generated(*plan, prompt, kLong, kLong, 0);
  CHECK(whole[0] == 1 && whole[3] == 0);
  CHECK(generated(*plan, prompt, kLong, 1000, prompt.size()) == whole);
  CHECK(by_runs(*plan, prompt, kLong) == whole);
  // The first token that it generates is asked for later, so that the run is done again.
  const Tokens shorter(prompt.begin(), prompt.begin() + 925);
  const auto longer = generated(*plan, shorter, kLong, kLong, 0);
  CHECK(longer[0] == 1 && longer.back() == 3 && by_runs(*plan, shorter, kLong) == longer);
  try {
    generated(*plan, prompt, kLong, 1000, 1);
    CHECK(false);
  } catch (const NotHeld& error) {
    CHECK(std::string(error.what()).find(": token 9") != std::string::npos);
  }
}

}  // namespace

int main() {
  bases();
  near_reads();
  far_reads();
  return 0;
}
