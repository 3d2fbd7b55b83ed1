#include "plan/run/runs.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 15;  // tokens per hand-over: a millisecond or two
// Windows are cut into shares no shorter than this, each for a thread.
constexpr std::size_t kWorthThread = std::size_t{1} << 18;
// What reading a position costs, of what verifying it costs; measured on long traces.
constexpr double kReadingCost = 0.78;

// The tokens of a run: 4 bytes each. Large blocks grow in place where the C library remaps them, so
// the peak is what is used.
class TokenBuffer {
 public:
  explicit TokenBuffer(std::span<const std::int32_t> prompt) {
    reserve(std::max(2 * prompt.size(), 4 * kHandOver));
    std::copy(prompt.begin(), prompt.end(), data());
  }
  std::int32_t* data() { return data_.get(); }
  std::size_t capacity() const { return capacity_; }
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    if (capacity > SIZE_MAX / sizeof(std::int32_t)) throw std::bad_alloc();
    void* grown = std::realloc(data_.get(), capacity * sizeof(std::int32_t));
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(static_cast<std::int32_t*>(grown));
    capacity_ = capacity;
  }

 private:
  struct Free {
    void operator()(std::int32_t* block) const { std::free(block); }
  };
  std::unique_ptr<std::int32_t, Free> data_;
  std::size_t capacity_ = 0;
};

void require_positions(std::size_t count) {
  if (count > static_cast<std::size_t>(kMaxTokens))
    throw Error(Status::kLimit,
                sentence("position ", kMaxTokens,
                         ": the trace is longer than what is certified to be exact (2^31 tokens)"));
}

// What one thread verifies of a window.
struct Share {
  std::size_t begin = 0, end = 0;  // tokens checked
  std::size_t mismatch = 0;        // end: none
  std::int32_t found = -1;         // predicted at the mismatch
  std::exception_ptr error;
  Engine engine;
};

void verify_share(const Plan& plan, std::span<const std::int32_t> tokens, std::size_t first,
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

// How many threads are worth starting for a window.
std::size_t worth_starting(std::size_t window, int threads) {
  return std::clamp<std::size_t>(window / kWorthThread, 1, static_cast<std::size_t>(wanted_threads(threads)));
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

}  // namespace

void generate(const Plan& plan, std::int32_t stop, std::span<const std::int32_t> prompt, HandOver& out,
              Engine& engine) {
  require_positions(prompt.size());
  Interpreter interpreter(plan, prompt[0], engine.kernel);
  TokenBuffer tokens(prompt);
  interpreter.read(tokens.data(), prompt.size() - 1);
  std::size_t given = prompt.size();  // tokens handed over, the prompt included
  const auto hand_over = [&](bool ended = false) {
    const std::size_t from = std::exchange(given, interpreter.position() + 1);
    return out.give({tokens.data() + from, given - from}, ended);
  };
  do {
    const std::size_t end = given + out.room(kHandOver);
    require_positions(end);
    if (end > tokens.capacity()) tokens.reserve(end + end / 2);
    try {
      interpreter.generate(tokens.data(), end, stop);
    } catch (const LeftPlan& left) {
      hand_over();
      if (out.given() > 0) throw Error(Status::kLimit, left.what());  // what was given cannot be taken back
      throw;
    } catch (const Error&) {
      hand_over();
      throw;
    }
  } while (!hand_over(tokens.data()[interpreter.position()] == stop));
  engine.covered = interpreter.covered();
}

Verdict verify(const Plan& plan, std::span<const std::int32_t> tokens, std::size_t first, std::size_t last,
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
