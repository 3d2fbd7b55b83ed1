#include "plan/run/sequence.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {
namespace {

constexpr std::size_t kHandOver = std::size_t{1} << 15;  // tokens per hand-over: a millisecond or less
constexpr std::size_t kReleased = std::size_t{1} << 22;  // tokens at once, or more

}  // namespace

Sequence::Sequence(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt,
                   bool with_kernel)
    : stop_(stop),
      prompt_(prompt.size()),
      interpreter_(plan, prompt[0], with_kernel),
      tokens_(prompt, plan.spare_tokens()),
      count_(prompt.size()) {
  require_positions(count_);
}

void Sequence::reserve(std::size_t count) {
  require_positions(count);
  tokens_.reserve(count);
}

// Reads the prompt, if nobody has.
void Sequence::begin() {
  if (interpreter_.position() + 1 < prompt_) interpreter_.read(tokens_.data(), prompt_ - 1);
}

template <class Work>
void Sequence::step(Work&& work) {
  if (broken_)
    throw Error(Status::kArgument,
                "the run has failed, has left its tokens, or calls from its own callback: it cannot go on");
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
        return out.give({tokens_.data() + from, count_ - from}, stopped);
      };
      try {
        interpreter_.generate(tokens_.data(), end, stop_);
      } catch (const LeftPlan& left) {
        hand_over(false);
        throw Error(out.given() > 0 ? Status::kLimit : Status::kUnsupported, left.what());
      } catch (const Error&) {
        hand_over(false);
        throw;
      }
      over = hand_over(tokens_.data()[interpreter_.position()] == stop_);
    }
  });
}

Verdict Sequence::verify(std::span<const kernel::Token> tokens) {
  Verdict verdict;
  step([&] {
    begin();
    const std::size_t from = count_, end = count_ + tokens.size();
    reserve(end);
    std::copy(tokens.begin(), tokens.end(), tokens_.data() + count_);
    std::int32_t found = -1;
    const std::size_t at = interpreter_.verify(tokens_.data(), end, found);
    count_ = end;
    verdict.checked = std::min(at + 1, end) - from;
    if (at < end) verdict.differs(at, tokens_.data()[at], found);
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
    interpreter_.save(since, tokens_.data(), prompt_, border);
    if (since == 0 && count_ - released_ >= kReleased) release();
  });
  return border;
}

void Sequence::release() {
  std::vector<TokenRange> needed = interpreter_.reachable(prompt_);
  tokens_.release(needed, interpreter_.position());
  interpreter_.hold(std::move(needed));
  released_ = count_;
}

void Sequence::restore(std::span<const unsigned char> border, std::span<const kernel::Token> more) {
  step([&] {
    BorderReader reader(border);
    const BorderHead head = read_head(reader);
    reserve(head.position + 1);
    if (head.since > 0) begin();
    interpreter_.restore(border, more, tokens_.data(), prompt_);
    count_ = head.position + 1;
  });
}

}  // namespace tvm::plan
