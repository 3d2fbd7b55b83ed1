// Generated tokens on their way out: the hand-over that every engine shares.
//
// Enters: tokens in order, in chunks of the engine's choice, of 16 or 32 bits each.  Leaves: the same to the
// sink, in the width that it takes, cut at the limit; whether the run is over, and why.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tvm {

// Receives tokens, at least one; returns whether it wants more.
template <class Token>
using SinkOf = std::function<bool(std::span<const Token>)>;
using TokenSink = SinkOf<std::int32_t>;
using NarrowSink = SinkOf<std::uint16_t>;  // of models whose vocabulary 16 bits number

// Why a run ended: its stop token, its limit, or its sink.
enum class Stopped : std::int32_t { kToken, kLimit, kSink };

class HandOver {
 public:
  // `limit` 0: none. `sink` may be empty.
  HandOver(std::uint64_t limit, std::variant<TokenSink, NarrowSink> sink)
      : left_(limit == 0 ? std::numeric_limits<std::uint64_t>::max() : limit), sink_(std::move(sink)) {}

  // How many of `most` tokens may still come.
  std::size_t room(std::size_t most) const {
    return static_cast<std::size_t>(std::min<std::uint64_t>(most, left_));
  }

  // `ended`: the last token is the stop token. Returns whether the run is over; once it is, no more is given.
  bool give(std::span<const std::int32_t> tokens, bool ended = false) { return give_any(tokens, ended); }
  bool give(std::span<const std::uint16_t> tokens, bool ended = false) { return give_any(tokens, ended); }

  std::uint64_t given() const { return given_; }
  Stopped stopped() const { return stopped_; }  // once the run is over

 private:
  template <class Token>
  bool give_any(std::span<const Token> tokens, bool ended) {
    const bool cut = room(tokens.size()) < tokens.size();
    tokens = tokens.first(room(tokens.size()));
    left_ -= tokens.size();
    given_ += tokens.size();
    const bool enough =
        !tokens.empty() && !std::visit([&](auto& sink) { return wants(sink, tokens); }, sink_);
    stopped_ = ended && !cut ? Stopped::kToken : left_ == 0 ? Stopped::kLimit : Stopped::kSink;
    return (ended && !cut) || left_ == 0 || enough;
  }

  template <class Wanted, class Token>
  static bool wants(const SinkOf<Wanted>& sink, std::span<const Token> tokens) {
    if (!sink) return true;
    if constexpr (std::is_same_v<Wanted, Token>)
      return sink(tokens);
    else
      return sink(std::vector<Wanted>(tokens.begin(), tokens.end()));
  }

  std::uint64_t left_, given_ = 0;
  std::variant<TokenSink, NarrowSink> sink_;
  Stopped stopped_ = Stopped::kSink;
};

}  // namespace tvm
