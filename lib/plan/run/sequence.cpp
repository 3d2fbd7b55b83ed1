#include "plan/run/sequence.hpp"

#include <algorithm>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "base/error.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 15;  // tokens per hand-over: a millisecond or less
#if defined(__linux__)
constexpr std::uintptr_t kWorthGiving = std::uintptr_t{1} << 16;  // bytes, to the system
#endif

}  // namespace

Sequence::Sequence(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt,
                   bool with_kernel)
    : stop_(stop), prompt_(prompt.size()), interpreter_(plan, prompt[0], with_kernel) {
  reserve(prompt.size() + kHandOver);
  std::copy(prompt.begin(), prompt.end(), tokens_.get());
  count_ = prompt.size();
}

// New room is zeros, which large blocks take no memory for until they are written.
void Sequence::reserve(std::size_t count) {
  if (count > static_cast<std::size_t>(kMaxTokens))
    throw Error(Status::kLimit,
                sentence("position ", kMaxTokens,
                         ": the trace is longer than what is certified to be exact (2^31 tokens)"));
  if (count <= capacity_) return;
  const std::size_t capacity = count + count / 2;
  std::unique_ptr<kernel::Token[], Free> grown(
      static_cast<kernel::Token*>(std::calloc(capacity, sizeof(kernel::Token))));
  if (grown == nullptr) throw std::bad_alloc();
  for (const TokenRange& range : kept_)
    if (const std::size_t end = std::min(range.end, count_); range.begin < end)
      std::copy(tokens_.get() + range.begin, tokens_.get() + end, grown.get() + range.begin);
  tokens_ = std::move(grown);
  capacity_ = capacity;
}

// The pages between what is needed go back to the system, where it takes them.
void Sequence::keep(std::vector<TokenRange> needed) {
  needed.back().end = SIZE_MAX;
#if defined(__linux__)
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  for (std::size_t i = 0; i + 1 < needed.size(); ++i) {
    const auto begin = reinterpret_cast<std::uintptr_t>(tokens_.get() + needed[i].end);
    const auto end = reinterpret_cast<std::uintptr_t>(tokens_.get() + needed[i + 1].begin);
    const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (last > first && last - first >= kWorthGiving)
      madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
#endif
  interpreter_.hold(needed);
  kept_ = std::move(needed);
}

// Reads the prompt, if nobody has.
void Sequence::begin() {
  if (interpreter_.position() + 1 < prompt_) interpreter_.read(tokens_.get(), prompt_ - 1);
}

template <class Work>
void Sequence::step(Work&& work) {
  if (broken_) throw Error(Status::kArgument, "the run has failed, or left its tokens: it cannot go on");
  broken_ = true;
  work();
  broken_ = false;
}

void Sequence::generate(HandOver& out) {
  step([&] {
    begin();
    bool over = ended();
    if (over) out.give(std::span<const kernel::Token>(), true);
    while (!over) {
      const std::size_t from = count_, end = count_ + out.room(kHandOver);
      reserve(end);
      const auto hand_over = [&](bool stopped) {
        count_ = interpreter_.position() + 1;
        return out.give({tokens_.get() + from, count_ - from}, stopped);
      };
      try {
        interpreter_.generate(tokens_.get(), end, stop_);
      } catch (const LeftPlan& left) {
        hand_over(false);
        throw Error(out.given() > 0 ? Status::kLimit : Status::kUnsupported, left.what());
      } catch (const Error&) {
        hand_over(false);
        throw;
      }
      over = hand_over(tokens_[interpreter_.position()] == stop_);
    }
  });
}

Verdict Sequence::verify(std::span<const kernel::Token> tokens) {
  Verdict verdict;
  step([&] {
    begin();
    const std::size_t from = count_, end = count_ + tokens.size();
    reserve(end);
    std::copy(tokens.begin(), tokens.end(), tokens_.get() + count_);
    std::int32_t found = -1;
    const std::size_t at = interpreter_.verify(tokens_.get(), end, found);
    count_ = end;
    verdict.checked = std::min(at + 1, end) - from;
    if (at < end) verdict.differs(at, tokens_[at], found);
  });
  broken_ = !verdict.ok();
  return verdict;
}

Bytes Sequence::save(std::uint64_t since) {
  Bytes border;
  step([&] {
    begin();
    if (since >= interpreter_.position()) {
      broken_ = false;
      throw Error(Status::kArgument,
                  sentence("a border since ", since, " is not ahead of it: the run has read ",
                           interpreter_.position(), " positions"));
    }
    interpreter_.save(since, tokens_.get(), prompt_, border);
    if (since == 0) keep(interpreter_.reachable(prompt_));
  });
  return border;
}

void Sequence::restore(std::span<const unsigned char> border, std::span<const kernel::Token> more) {
  step([&] {
    BorderReader reader(border);
    const BorderHead head = read_head(reader);
    reserve(head.position + kHandOver);
    if (head.since > 0) begin();
    interpreter_.restore(border, more, tokens_.get(), prompt_);
    if (head.since == 0) kept_ = interpreter_.reachable(prompt_), kept_.back().end = SIZE_MAX;
    count_ = head.position + 1;
  });
}

}  // namespace tvm::plan
