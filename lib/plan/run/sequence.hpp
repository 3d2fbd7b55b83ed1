// A run that is kept between calls: it generates or verifies piece by piece, and its state is saved and
// restored as borders (border.hpp).
//
// Enters: a prompt, then tokens or borders.  Leaves: generated tokens, verdicts, borders.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_sink.hpp"
#include "base/verdict.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/runs.hpp"
#include "plan/run/token_buffer.hpp"

namespace tvm::plan {

// Not for several threads at once.
class Sequence {
 public:
  Sequence(const Plan& plan, std::int32_t stop, std::span<const kernel::Token> prompt, bool with_kernel);

  // Tokens that the sequence has: the prompt, and what was generated, verified or restored.
  std::size_t count() const { return count_; }
  bool ended() const { return count_ > prompt_ && tokens_.data()[count_ - 1] == stop_; }
  std::uint64_t position() const { return interpreter_.position(); }
  std::uint64_t covered() const { return interpreter_.covered(); }

  // Goes on until the stop token, or until `out` has enough.
  void generate(HandOver& out);
  // Goes on with these tokens, as far as each is what is predicted.
  Verdict verify(std::span<const kernel::Token> tokens);

  // What has changed since an earlier border, or since 0 the whole state. Then, now and again, only those
  // tokens are kept that later positions can ask for, so that a run which is saved takes no memory for
  // others.
  Bytes save(std::uint64_t since);
  // `more`: the tokens behind the position before; none for a whole border, which has those that it needs.
  void restore(std::span<const unsigned char> border, std::span<const kernel::Token> more);

 private:
  void reserve(std::size_t count);
  void begin();
  void release();
  template <class Work>
  void step(Work&& work);

  const std::int32_t stop_;
  const std::size_t prompt_;
  Interpreter interpreter_;
  TokenBuffer tokens_;
  std::size_t count_;
  std::size_t released_ = 0;  // what count_ was when tokens were given up
  // By an error, or by tokens that are not what is predicted; and while the run is at work, so that its
  // callback cannot use it.
  bool broken_ = false;
};

}  // namespace tvm::plan
