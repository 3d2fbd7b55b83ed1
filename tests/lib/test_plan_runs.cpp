// Runs on the plan through the ABI: verification split over threads tells the same as on one thread,
// whatever share a mismatch or an error lies in; limits, callbacks and stop tokens of generation.
#include <string>

#include "machine.hpp"

namespace {

constexpr int kBad = 10, kStop = 11;  // kBad breaks a rule that the plan checks; neither is ever predicted
// Long enough for three threads, each with a share (lib/plan/run/runs.cpp: 2^18 tokens).
constexpr std::size_t kLong = std::size_t{3} << 18;

// The token three positions ago, plus 1 after an odd one.
Machine machine() {
  Machine m(12, 1);
  const int a = m.token_slot({0, 1, 2, 3, 4, 5, 6, 7, 0, 3, 5, 2}), odd = m.token_slot({0, 1});
  const int key = m.token_slot({0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 3, 0});
  const int square = m.token_slot({0, 1, 4, 9, 0, 1, 4, 9, 0, 1, 8, 0});
  const int past = m.gather(0, Machine::position(-3), {{a, 1}});
  const int own = m.lookup(0, {{key, 1}}, {{square, 1}}, {}, {{key, 1}}, {{odd, 1}});
  m.output({{past, 1}, {own, 1}});
  return m;
}

struct Checked {
  tvm_status status = TVM_OK;
  tvm_verify_result result{};
  Tokens predicted;
  std::string error;

  bool operator==(const Checked& other) const {
    if (status != other.status || error != other.error) return false;
    if (status != TVM_OK) return true;
    return result.ok == other.result.ok && result.checked == other.result.checked &&
           result.first_mismatch == other.result.first_mismatch && result.expected == other.result.expected &&
           result.predicted == other.result.predicted && predicted == other.predicted;
  }
};

Checked verify(const Opened& model, const Tokens& tokens, std::size_t first, std::size_t last, int threads,
               bool predicted) {
  Checked run;
  run.result.size = sizeof run.result;
  if (predicted) run.predicted.assign(last - first, -7);
  const tvm_options how = Opened::options(TVM_PATH_PLAN, threads);
  run.status = tvm_verify(model.get(), tokens.data(), tokens.size(), first, last,
                          predicted ? run.predicted.data() : nullptr, &how, &run.result);
  run.error = tvm_last_error();
  return run;
}

// The same on any number of threads; returns what one thread says.
Checked verify(const Opened& model, const Tokens& tokens, std::size_t first, bool predicted) {
  const Checked one = verify(model, tokens, first, tokens.size(), 1, predicted);
  for (const int threads : {2, 3, 5})
    CHECK(verify(model, tokens, first, tokens.size(), threads, predicted) == one);
  return one;
}

std::int32_t collect(void* user, const std::int32_t* tokens, std::size_t count) {
  auto& all = *static_cast<Tokens*>(user);
  all.insert(all.end(), tokens, tokens + count);
  return 0;
}

tvm_status generate(const Opened& model, const Tokens& prompt, std::uint64_t limit, tvm_callback callback,
                    void* user, tvm_run_result& result) {
  const tvm_options how = Opened::options(TVM_PATH_PLAN);
  result.size = sizeof result;
  return tvm_generate(model.get(), prompt.data(), prompt.size(), limit, callback, user, &how, &result);
}

Tokens long_trace(const Opened& model) {
  Tokens all{1, 4, 2, 7};
  tvm_run_result result{};
  CHECK(generate(model, Tokens(all), kLong - all.size(), collect, &all, result) == TVM_OK);
  CHECK(result.stopped == TVM_STOPPED_LIMIT && all.size() == kLong);
  return all;
}

void mismatches(const Opened& model, const Tokens& trace) {
  const Checked right = verify(model, trace, 4, false);
  CHECK(right.status == TVM_OK && right.result.ok == 1 && right.result.checked == kLong - 4);
  const std::size_t places[] = {4, kLong / 5, kLong / 2, kLong / 5 * 4, kLong - 1};
  for (const std::size_t first_bad : places)
    for (const std::size_t second_bad : {first_bad, kLong - 1}) {
      Tokens damaged = trace;
      damaged[first_bad] = (damaged[first_bad] + 1) % 8;
      damaged[second_bad] = (trace[second_bad] + 1) % 8;
      const Checked check = verify(model, damaged, 4, false);
      CHECK(check.status == TVM_OK && check.result.ok == 0);
      CHECK(check.result.first_mismatch == static_cast<std::int64_t>(first_bad));
      CHECK(check.result.expected == damaged[first_bad] && check.result.predicted == trace[first_bad]);
      CHECK(check.result.checked == first_bad - 3);
      const Checked all = verify(model, damaged, 4, true);
      CHECK(all.result.first_mismatch == check.result.first_mismatch && all.result.checked == kLong - 4);
      if (second_bad != first_bad) continue;
      // The three predictions that read the damaged token differ from the trace, no other.
      for (std::size_t i = 4; i < kLong; ++i)
        CHECK(i == first_bad || i == first_bad + 1 || i == first_bad + 4 ||
              all.predicted[i - 4] == damaged[i]);
    }
}

// A token after which the plan stops: an error if it is read before anything differs.
void errors(const Opened& model, const Tokens& trace) {
  for (const std::size_t place : {std::size_t{5}, kLong / 5, kLong / 2, kLong / 5 * 4, kLong - 2}) {
    Tokens damaged = trace;
    damaged[place] = kBad;
    const Checked differs = verify(model, damaged, 4, false);
    CHECK(differs.status == TVM_OK && differs.result.first_mismatch == static_cast<std::int64_t>(place));
    const Checked all = verify(model, damaged, 4, true);
    CHECK(all.status == TVM_ERROR_UNSUPPORTED);
    CHECK(all.error.find("position " + std::to_string(place) + ":") != std::string::npos);
    // In the part that is read only.
    CHECK(verify(model, damaged, place + 1, false).status == TVM_ERROR_UNSUPPORTED);
    CHECK(verify(model, damaged, place + 1, true).status == TVM_ERROR_UNSUPPORTED);
    // Beyond the window it does not matter.
    for (const int threads : {1, 3}) CHECK(verify(model, damaged, 4, place, threads, false).result.ok == 1);
  }
}

void windows(const Opened& model, const Tokens& trace) {
  const Checked whole = verify(model, trace, 4, kLong, 1, true);
  for (const std::size_t first :
       {std::size_t{1}, std::size_t{4}, std::size_t{77}, kLong / 3, kLong - 1, kLong})
    for (const int threads : {1, 2, 3}) {
      const Checked part = verify(model, trace, first, kLong, threads, true);
      CHECK(part.status == TVM_OK && part.result.checked == kLong - first);
      for (std::size_t i = std::max<std::size_t>(first, 4); i < kLong; ++i)
        CHECK(part.predicted[i - first] == whole.predicted[i - 4]);
    }
}

void ends(const Opened& model) {
  tvm_run_result result{};
  Tokens all, more;
  const Tokens prompt{1, 4, 2, 7};
  CHECK(generate(model, prompt, 1, collect, &all, result) == TVM_OK);
  CHECK(all.size() == 1 && result.tokens == 1 && result.stopped == TVM_STOPPED_LIMIT);
  // Goes on from a prompt that holds what was generated, or stop tokens.
  Tokens longer = prompt;
  for (const std::uint64_t limit : {1, 7, 70000}) {
    all.clear(), more.clear();
    CHECK(generate(model, longer, limit, collect, &all, result) == TVM_OK && result.tokens == limit);
    CHECK(generate(model, longer, limit + 100, collect, &more, result) == TVM_OK);
    CHECK(std::equal(all.begin(), all.end(), more.begin()));
    longer.insert(longer.end(), all.begin(), all.end());
  }
  CHECK(generate(model, {kStop, 3, kStop}, 5, collect, &all, result) == TVM_OK && result.tokens == 5);
  // A callback that has enough at once, or after a while.
  for (const std::size_t enough : {std::size_t{1}, std::size_t{100000}}) {
    struct Seen {
      std::size_t enough, count = 0, calls_after = 0;
    } seen{enough};
    const auto stop = [](void* user, const std::int32_t*, std::size_t count) -> std::int32_t {
      auto& s = *static_cast<Seen*>(user);
      s.calls_after += s.count >= s.enough;
      return (s.count += count) >= s.enough;
    };
    CHECK(generate(model, prompt, 0, stop, &seen, result) == TVM_OK);
    CHECK(result.stopped == TVM_STOPPED_CALLBACK && result.tokens == seen.count && seen.calls_after == 0);
    CHECK(seen.count >= enough && seen.count < enough + 100000);
  }
  // An error leaves what was handed over; here nothing was.
  CHECK(generate(model, {1, kBad, 2}, 5, collect, &all, result) == TVM_ERROR_UNSUPPORTED);
}

}  // namespace

int main() {
  const Opened model(machine().bytes);
  const Tokens trace = long_trace(model);
  mismatches(model, trace);
  errors(model, trace);
  windows(model, trace);
  ends(model);
}
