#include "plan/run/runs.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/left_plan.hpp"
#include "plan/run/token_buffer.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 16;  // tokens per hand-over: a millisecond or two
// Tokens that a kernel may write beyond those that are asked for, as its functions are of several positions.
constexpr std::size_t kSpare = 64;
// Windows are cut into shares no shorter than this, each for a thread.
constexpr std::size_t kWorthThread = std::size_t{1} << 18;
// What reading a position costs, of what verifying it costs; measured on long traces.
constexpr double kReadingCost = 0.78;

// What one thread verifies of a window.
struct Share {
  std::size_t begin = 0, end = 0;  // tokens checked
  std::size_t mismatch = 0;        // end: none
  std::int32_t found = -1;         // predicted at the mismatch
  std::exception_ptr error;
  Engine engine;
};

void verify_share(const Plan& plan, std::span<const kernel::Token> tokens, std::size_t first,
                  std::int32_t* predicted, Share& mine, const std::atomic<bool>& given_up) {
  mine.mismatch = mine.end;
  if (mine.begin == mine.end) return;
  Interpreter sequence(plan, tokens[0], mine.engine.kernel);
  const struct Count {
    Engine& engine;
    const Interpreter& of;
    ~Count() { engine.covered = of.covered(); }
  } count{mine.engine, sequence};
  const auto chunks = [&](std::size_t end, auto&& run) {
    while (!given_up.load(std::memory_order_relaxed) && run(std::min(end, sequence.position() + kHandOver))) {
    }
  };
  chunks(mine.begin - 1, [&](std::size_t end) {
    sequence.read(tokens.data(), end);
    return end < mine.begin - 1;
  });
  chunks(mine.end, [&](std::size_t end) {
    const std::size_t from = sequence.position() + 1;
    if (predicted == nullptr) {
      const std::size_t at = sequence.verify(tokens.data(), end, mine.found);
      if (at < end) mine.mismatch = at;
      return at == end && end < mine.end;
    }
    std::int32_t* here = predicted + (from - first);
    sequence.predict(tokens.data(), end, here);
    if (mine.mismatch == mine.end)
      for (std::size_t position = from; position < end; ++position)
        if (here[position - from] != tokens[position]) {
          mine.mismatch = position;
          mine.found = here[position - from];
          break;
        }
    return end < mine.end;
  });
}

// How many threads are worth starting for a window. What the machine has is asked only where it matters: the
// system answers out of a file.
std::size_t worth_starting(std::size_t window, int threads) {
  const std::size_t most = std::max<std::size_t>(window / kWorthThread, 1);
  return most == 1 ? 1 : std::min(most, static_cast<std::size_t>(wanted_threads(threads)));
}

// Cuts first .. last so that all threads end together: each reads what comes before its share.
void cut(std::vector<Share>& shares, std::size_t first, std::size_t last) {
  double sum = 0, length = 1;
  for (std::size_t i = 0; i < shares.size(); ++i, length *= 1 - kReadingCost) sum += length;
  length = static_cast<double>(last - first) / sum;
  std::size_t begin = first;
  for (Share& mine : shares) {
    mine.begin = begin;
    begin = mine.end = std::min(last, begin + static_cast<std::size_t>(length) + 1);
    length *= 1 - kReadingCost;
  }
  shares.back().end = last;
}

// One run from its prompt on. Tokens that were handed over by another one are not handed over again.
class Generation {
 public:
  Generation(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt, HandOver& out,
             Engine& engine)
      : stop_(stop),
        prompt_(prompt.size()),
        given_(prompt.size() + static_cast<std::size_t>(out.given())),
        out_(out),
        engine_(engine),
        interpreter_(plan, prompt[0], engine.kernel),
        tokens_(prompt, plan.spare_tokens()) {}

  // `release`: give the memory of tokens back that nobody can ask for.
  void run(bool release) {
    interpreter_.read(tokens_.data(), prompt_ - 1);
    std::size_t next = prompt_ + engine_.release_after;
    do {
      const std::size_t end = given_ + out_.room(kHandOver);
      require_positions(end);
      const std::size_t spare = std::min(kSpare, static_cast<std::size_t>(kMaxTokens) - end);
      tokens_.reserve(end + spare);
      generate(end, spare);
      if (!release || interpreter_.position() < next) continue;
      const std::vector<TokenRange> held = interpreter_.reachable(prompt_);
      std::size_t count = 0;
      for (const TokenRange& range : held) count += range.end - range.begin;
      tokens_.release(held, interpreter_.position());
      interpreter_.hold(held);
      next = interpreter_.position() + std::max(count, engine_.release_after);
    } while (!hand_over(tokens_.data()[interpreter_.position()] == stop_));
    // Without those behind the last token that was handed over.
    const std::size_t last = prompt_ + static_cast<std::size_t>(out_.given()) - 1;
    engine_.covered =
        interpreter_.covered() - (interpreter_.position() - std::min(interpreter_.position(), last));
  }

 private:
  void generate(std::size_t end, std::size_t spare) {
    try {
      interpreter_.generate(tokens_.data(), end, stop_, spare);
    } catch (const NotHeld&) {
      throw;
    } catch (const LeftPlan& left) {
      hand_over();
      if (out_.given() > 0) throw Error(Status::kLimit, left.what());  // what was given cannot be taken back
      throw;
    } catch (const Error&) {
      hand_over();
      throw;
    }
  }
  bool hand_over(bool ended = false) {
    const std::size_t from = std::exchange(given_, std::max(given_, interpreter_.position() + 1));
    return out_.give({tokens_.data() + from, given_ - from}, ended);
  }

  const std::int32_t stop_;
  const std::size_t prompt_;
  std::size_t given_;  // tokens handed over, the prompt included
  HandOver& out_;
  Engine& engine_;
  Interpreter interpreter_;
  TokenBuffer tokens_;
};

}  // namespace

void require_positions(std::size_t count) {
  if (count > static_cast<std::size_t>(kMaxTokens))
    throw Error(Status::kLimit,
                sentence("position ", kMaxTokens,
                         ": the trace is longer than what is certified to be exact (2^38 tokens)"));
}

void generate(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt, HandOver& out,
              Engine& engine) {
  require_positions(prompt.size());
  try {
    Generation(plan, stop, prompt, out, engine).run(TokenBuffer::can_release());
  } catch (const NotHeld&) {
    // The same again, with all its tokens.
    Generation(plan, stop, prompt, out, engine).run(false);
  }
}

Verdict verify(const Plan& plan, std::span<const kernel::Token> tokens, std::size_t first, std::size_t last,
               std::int32_t* predicted, int threads, Engine& engine) {
  require_positions(last);
  std::vector<Share> shares(worth_starting(last - first, threads));
  for (Share& mine : shares) mine.engine.kernel = engine.kernel;
  std::atomic<bool> are_cut = false, given_up = false;
  const auto run = [&](Share& mine) {
    try {
      verify_share(plan, tokens, first, predicted, mine, given_up);
    } catch (...) {
      mine.error = std::current_exception();
    }
    // Later shares do not matter any more.
    if (&mine == &shares[0] && (mine.error || (mine.mismatch < mine.end && predicted == nullptr)))
      given_up = true;
  };
  {
    Threads others;
    const std::size_t started = others.start(shares.size() - 1, [&](std::size_t i) {
      are_cut.wait(false);
      run(shares[i + 1]);
    });
    shares.resize(1 + started);
    cut(shares, first, last);
    are_cut = true;
    are_cut.notify_all();
    run(shares[0]);
  }
  Verdict verdict;
  verdict.checked = last - first;
  for (const Share& mine : shares) engine.covered += mine.engine.covered;
  for (const Share& mine : shares) {
    if (mine.error) std::rethrow_exception(mine.error);
    if (mine.mismatch == mine.end) continue;
    verdict.differs(mine.mismatch, tokens[mine.mismatch], mine.found);
    if (predicted != nullptr) continue;
    verdict.checked = mine.mismatch - first + 1;
    break;
  }
  return verdict;
}

}  // namespace tvm::plan
