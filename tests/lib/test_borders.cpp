// Runs that are kept, on random machines with every kind of state: pieces are the tokens of a whole run,
// borders say the same however they came about, and bytes that are no border are refused without harm.
#include <set>
#include <string>

#include "random_machine.hpp"

namespace {

using Border = std::string;

struct Counts {
  int models = 0, lively = 0, borders = 0, refused = 0, taken = 0;
} counts;

std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& all = *static_cast<Tokens*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
}

class Run {
 public:
  Run(const Opened& model, const Tokens& prompt) {
    const tvm_options how = Opened::options(TVM_PATH_PLAN);
    status = tvm_run_open(model.get(), prompt.data(), prompt.size(), &how, &run_);
  }
  ~Run() { tvm_run_close(run_); }
  Run(const Run&) = delete;

  Tokens generate(std::uint64_t limit) {
    Tokens piece;
    tvm_run_result result{};
    result.size = sizeof result;
    status = tvm_run_generate(run_, limit, collect, &piece, &result);
    stopped = result.stopped;
    CHECK(status != TVM_OK || result.tokens == piece.size());
    return piece;
  }
  std::int64_t verify(const Tokens& piece) {
    tvm_verify_result result{};
    result.size = sizeof result;
    status = tvm_run_verify(run_, piece.data(), piece.size(), &result);
    CHECK(status != TVM_OK || result.ok == (result.first_mismatch < 0));
    return status == TVM_OK ? result.first_mismatch : -2;
  }
  Border save(std::uint64_t since) {
    Border border;
    const auto take = [](void* user, const void* bytes, std::size_t size) {
      static_cast<Border*>(user)->assign(static_cast<const char*>(bytes), size);
    };
    status = tvm_run_save(run_, since, take, &border);
    return border;
  }
  tvm_status restore(const Border& border, const Tokens& more = {}) {
    return status = tvm_run_restore(run_, border.data(), border.size(), more.data(), more.size());
  }
  std::uint64_t position() const { return tvm_run_position(run_); }

  tvm_status status = TVM_OK;
  int stopped = -1;

 private:
  tvm_run* run_ = nullptr;
};

void hostile(const Opened& model, const Tokens& prompt, const Border& border, const Tokens& next,
             std::mt19937_64& random) {
  for (int i = 0; i < 40; ++i) {
    Border wrong = border;
    for (std::uint64_t n = random() % 3 + 1; n > 0; --n) wrong[random() % wrong.size()] ^= 1 << random() % 8;
    if (i % 8 == 0) wrong.resize(random() % wrong.size());
    Run run(model, prompt);
    if (run.restore(wrong) != TVM_OK) {
      CHECK(run.status == TVM_ERROR_ARGUMENT && run.verify(next) == -2);
      ++counts.refused;
      continue;
    }
    ++counts.taken;
    CHECK(run.save(0) == wrong);  // there are no two ways to write a state
    run.verify(next);
  }
}

// A callback that uses the run which calls it: refused, and the run goes on.
struct Inner {
  tvm_run* run;
  std::uint64_t position = 0;
  int refused = 0;
};
std::int32_t use_run(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& inner = *static_cast<Inner*>(user);
  tvm_run_result generated{};
  generated.size = sizeof generated;
  tvm_verify_result verified{};
  verified.size = sizeof verified;
  const auto nothing = [](void*, const void*, std::size_t) {};
  for (const tvm_status status :
       {tvm_run_generate(inner.run, 1, nullptr, nullptr, &generated),
        tvm_run_verify(inner.run, tokens, count, &verified), tvm_run_save(inner.run, 0, nothing, nullptr),
        tvm_run_restore(inner.run, tokens, 4, nullptr, 0)})
    inner.refused += status == TVM_ERROR_ARGUMENT &&
                     std::string(tvm_last_error()).find("own callback") != std::string::npos;
  inner.position = tvm_run_position(inner.run);
  return 0;
}

void from_its_callback(const Machine& machine) {
  const Opened model(machine.bytes);
  const Tokens prompt = {0, 1, 2};
  tvm_run* run = nullptr;
  CHECK(tvm_run_open(model.get(), prompt.data(), prompt.size(), nullptr, &run) == TVM_OK);
  Inner inner{run};
  tvm_run_result result{};
  result.size = sizeof result;
  CHECK(tvm_run_generate(run, 5, use_run, &inner, &result) == TVM_OK && result.tokens == 5);
  CHECK(inner.refused == 4 && inner.position == 7);
  CHECK(tvm_run_generate(run, 5, nullptr, nullptr, &result) == TVM_OK && result.tokens == 5);
  tvm_run_close(run);
}

// What comes next depends on all that is kept: a token three positions back, a running sum, and what that was
// when the newest record of another key was entered.
Machine lively() {
  Machine m(12, 2);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 0, 3, 5, 2}), odd = m.token_slot({0, 1});
  const int key = m.token_slot({0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 3, 0});
  const int square = m.token_slot({0, 1, 4, 9, 0, 1, 4, 9, 0, 1, 9, 0});
  const int past = m.gather(0, Machine::position(-3), {{a, 1}});
  const int total = m.sum(0, {{odd, 1}});
  const int then = m.lookup(1, {{key, 1}}, {{square, 1}}, {}, {{key, 1}, {Machine::kOne, 1}}, {{total, 1}});
  const int late = m.step(1, {{total, 1}, {then, -1}, {Machine::kOne, -1}}, Machine::just(1));
  m.output({{past, 1}, {late, 1}});
  return m;
}

void one(const Machine& machine, std::uint64_t seed) {
  const Opened model(machine.bytes);
  if (*tvm_model_why_no_plan(model.get()) != '\0') return;
  std::mt19937_64 choose(seed);
  Tokens prompt;
  for (std::uint64_t i = choose() % 12 + 2; i > 0; --i)
    prompt.push_back(static_cast<std::int32_t>(choose() % 5));
  Run whole(model, prompt);
  const Tokens all = whole.generate(150);
  if (whole.status != TVM_OK) return;
  ++counts.models;
  counts.lively += std::set(all.begin(), all.end()).size() > 3;

  // In pieces, each verified from its border, which must end in the next one.
  Run run(model, prompt);
  Tokens together;
  std::vector<Border> changes, states;
  std::vector<Tokens> pieces;
  std::uint64_t since = prompt.size() - 1;
  while (run.stopped != TVM_STOPPED_TOKEN && together.size() < all.size()) {
    const Tokens piece = run.generate(std::min<std::size_t>(choose() % 40 + 1, all.size() - together.size()));
    CHECK(run.status == TVM_OK);
    if (!changes.empty()) {
      Run from_whole(model, prompt), from_changes(model, prompt);
      CHECK(from_whole.restore(states.back()) == TVM_OK && from_whole.save(0) == states.back());
      for (std::size_t i = 0; i < changes.size(); ++i) {
        Run other(model, prompt);
        CHECK(i == 0 || other.restore(states[i - 1]) == TVM_OK);
        CHECK(other.restore(changes[i]) == TVM_ERROR_ARGUMENT);  // its tokens are missing
        CHECK(from_changes.restore(changes[i], pieces[i]) == TVM_OK);
      }
      CHECK(from_changes.save(0) == states.back());
      CHECK(from_whole.verify(piece) == -1 && from_changes.generate(piece.size()) == piece);
      CHECK(from_whole.save(0) == run.save(0) && from_changes.save(since) == run.save(since));
      Tokens damaged = piece;
      damaged.back() = (damaged.back() + 1) % 5;
      Run other(model, prompt);
      CHECK(other.restore(states.back()) == TVM_OK);
      const std::size_t before = prompt.size() + together.size();
      CHECK(other.verify(damaged) == static_cast<std::int64_t>(before + piece.size() - 1));
      CHECK(other.verify(piece) == -2 && other.status == TVM_ERROR_ARGUMENT);
      hostile(model, prompt, states.back(), piece, choose);
    }
    together.insert(together.end(), piece.begin(), piece.end());
    pieces.push_back(piece);
    changes.push_back(run.save(since));
    states.push_back(run.save(0));
    since = run.position();
    CHECK(since + 1 == prompt.size() + together.size());
    ++counts.borders;
  }
  CHECK(together == all);
  // What does not follow, and what is of another model.
  Run other(model, prompt);
  CHECK(changes.size() < 2 || other.restore(changes.back()) == TVM_ERROR_ARGUMENT);
  RandomMachine stranger(seed + 1000003);
  const Opened strange(stranger.machine.bytes);
  if (*tvm_model_why_no_plan(strange.get()) != '\0') return;
  Run of_another(strange, prompt);
  CHECK(of_another.restore(states.back()) == TVM_ERROR_ARGUMENT &&
        std::string(tvm_last_error()).find("another model") != std::string::npos);
}

}  // namespace

int main() {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    one(RandomMachine(seed).machine, seed);
    one(lively(), seed);
  }
  from_its_callback(lively());
  std::printf("%d models, %d borders; of damaged ones %d refused, %d taken\n", counts.models, counts.borders,
              counts.refused, counts.taken);
  CHECK(counts.models > 60 && counts.lively > 30 && counts.borders > 100 && counts.refused > 500 &&
        counts.taken > 50);
  return 0;
}
