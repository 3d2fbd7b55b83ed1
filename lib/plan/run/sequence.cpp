#include "plan/run/sequence.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 15;  // tokens per hand-over: a millisecond or less

}  // namespace

Sequence::Sequence(const Plan& plan, kernel::Token stop, std::span<const kernel::Token> prompt,
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
  std::copy_n(tokens_.get(), count_, grown.get());
  tokens_ = std::move(grown);
  capacity_ = capacity;
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
    if (over) out.give({}, true);
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
    kernel::Token found = -1;
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
  });
  return border;
}

void Sequence::restore(std::span<const unsigned char> border) {
  step([&] {
    BorderReader reader(border);
    const BorderHead head = read_head(reader);
    reserve(head.position + kHandOver);
    interpreter_.restore(border, tokens_.get(), prompt_);
    count_ = head.position + 1;
  });
}

}  // namespace tvm::plan
