// The C ABI of what a trace does: one pass over its tokens, by a table of what each of them means.
#include <cstddef>
#include <span>

#include "api/guard.hpp"

namespace {

// What the tokens of a call have changed so far; the caller's state stays as it is until all went well.
class Follower {
 public:
  Follower(std::span<const tvm_token_meaning> meanings, const tvm_followed& before, unsigned char* written)
      : meanings_(meanings), now_(before), written_(written) {}

  // Up to a token that writes on the other stream: how many tokens that were.
  template <class Token>
  std::size_t run(std::span<const Token> tokens) {
    now_.stream = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::int32_t id = tokens[i];
      if (id < 0 || static_cast<std::size_t>(id) >= meanings_.size())
        throw tvm::Error(tvm::Status::kArgument,
                         tvm::sentence("tokens position ", i, ": token id ", id,
                                       " is outside the vocabulary of ", meanings_.size()));
      const tvm_token_meaning& token = meanings_[static_cast<std::size_t>(id)];
      if ((token.flags & (TVM_TOKEN_OUTPUT | TVM_TOKEN_ERROR)) != 0 && !write(token)) return i;
      take(token);
    }
    return tokens.size();
  }

  const tvm_followed& now() const { return now_; }
  std::size_t written() const { return count_; }

 private:
  bool write(const tvm_token_meaning& token) {
    const std::int32_t stream = token.flags & (TVM_TOKEN_OUTPUT | TVM_TOKEN_ERROR);
    if (now_.stream != 0 && now_.stream != stream) return false;
    now_.stream = stream;
    written_[count_++] = token.byte;
    return true;
  }

  void take(const tvm_token_meaning& token) {
    ++now_.tokens;
    now_.cursor += token.rows;
    if ((token.flags & TVM_TOKEN_BYTE) != 0) {
      now_.value = now_.value >> 8 | std::uint32_t{token.byte} << 24;
      return;
    }
    if ((token.flags & TVM_TOKEN_JUMPS) != 0) now_.cursor += static_cast<std::int32_t>(now_.value);
    if (token.calls != 0) {
      now_.calls += token.calls;
      now_.deepest = std::max(now_.deepest, now_.calls);
    }
    if ((token.flags & TVM_TOKEN_STOP) != 0 && now_.stop < 0) now_.stop = position();
    if ((token.flags & TVM_TOKEN_BEGINS) != 0 && now_.begin == 0) {
      now_.begin = now_.prompt = now_.tokens;
      now_.cursor = now_.calls = now_.deepest = 0;
      now_.stop = -1;
    }
    if ((token.flags & TVM_TOKEN_PROMPT) != 0) {
      now_.prompt = now_.tokens;
      now_.stop = -1;
    }
  }

  std::int64_t position() const { return static_cast<std::int64_t>(now_.tokens) - 1; }

  std::span<const tvm_token_meaning> meanings_;
  tvm_followed now_;
  unsigned char* written_;
  std::size_t count_ = 0;
};

template <class Token>
tvm_status follow(const tvm_token_meaning* meanings, int32_t vocabulary, const Token* tokens, size_t count,
                  tvm_followed* state, unsigned char* written, size_t* bytes, size_t* used) {
  return tvm::guard([&] {
    tvm::require(meanings != nullptr, "meanings is NULL");
    tvm::require(vocabulary > 0, "vocabulary is not positive");
    tvm::require(tokens != nullptr || count == 0, "tokens is NULL");
    tvm::require_size(state, "state");
    tvm::require(written != nullptr || count == 0, "written is NULL");
    tvm::require(bytes != nullptr, "bytes is NULL");
    tvm::require(used != nullptr, "used is NULL");
    Follower follower({meanings, static_cast<std::size_t>(vocabulary)}, tvm::taken(state, tvm_followed{}),
                      written);
    *used = follower.run(std::span(tokens, count));
    *bytes = follower.written();
    tvm::give(state, follower.now());
  });
}

}  // namespace

extern "C" {

tvm_status tvm_follow(const tvm_token_meaning* meanings, int32_t vocabulary, const int32_t* tokens,
                      size_t count, tvm_followed* state, unsigned char* written, size_t* bytes,
                      size_t* used) {
  return follow(meanings, vocabulary, tokens, count, state, written, bytes, used);
}

tvm_status tvm_follow16(const tvm_token_meaning* meanings, int32_t vocabulary, const uint16_t* tokens,
                        size_t count, tvm_followed* state, unsigned char* written, size_t* bytes,
                        size_t* used) {
  return follow(meanings, vocabulary, tokens, count, state, written, bytes, used);
}

}  // extern "C"
