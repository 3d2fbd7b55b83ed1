// The tokens of a run, each at its position; those that nobody can ask for any more take no memory.
//
// Enters: tokens.  Leaves: room for more, at the same positions. Where the system maps memory (Linux), a
// block grows without being copied, and whole pages of it are given back; elsewhere all tokens are kept.
#pragma once

#include <span>
#include <vector>

#include "kernel/runtime.hpp"
#include "plan/run/interpreter.hpp"

namespace tvm::plan {

class TokenBuffer {
 public:
  explicit TokenBuffer(std::span<const kernel::Token> prompt);
  ~TokenBuffer();
  TokenBuffer(const TokenBuffer&) = delete;

  static bool can_release();

  kernel::Token* data() { return data_; }
  // Room for so many tokens. Throws std::bad_alloc.
  void reserve(std::size_t count);
  // Of the first `count` tokens only those in `held` are needed from now on; `held` never has what an earlier
  // one had not, if it is not behind the tokens of then.
  void release(const std::vector<TokenRange>& held, std::size_t count);

 private:
  kernel::Token* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::vector<TokenRange> pages_;  // that are held, by number
  std::size_t released_to_ = 0;    // pages looked at
};

}  // namespace tvm::plan
