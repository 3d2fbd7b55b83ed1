// The tokens of a run, each at its position; those that nobody can ask for any more take no memory.
//
// Enters: tokens.  Leaves: room for more, at the same positions. Where the system maps memory (Linux), a
// block grows without being copied, and whole pages of it are given back; elsewhere all tokens are kept.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "kernel/runtime.hpp"
#include "plan/run/token_range.hpp"

namespace tvm::plan {

// Memory that a run has left, for the next one: a system takes longer to give new pages than a kernel to fill
// them. At most kMost tokens of one run; given back with the plan that keeps it. For any number of threads.
class SpareTokens {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 22;

  SpareTokens() = default;
  ~SpareTokens();
  SpareTokens(const SpareTokens&) = delete;

  // Tokens that there is room for.
  std::size_t capacity() const {
    const std::lock_guard lock(mutex_);
    return capacity_;
  }

 private:
  friend class TokenBuffer;
  mutable std::mutex mutex_;
  kernel::Token* data_ = nullptr;
  std::size_t capacity_ = 0;
};

class TokenBuffer {
 public:
  TokenBuffer(std::span<const kernel::Token> prompt, SpareTokens& spare);
  ~TokenBuffer();
  TokenBuffer(const TokenBuffer&) = delete;

  static bool can_release();

  kernel::Token* data() { return data_; }
  const kernel::Token* data() const { return data_; }
  // Room for so many tokens; where none was written, zeros or tokens of another run of the plan. Throws
  // std::bad_alloc.
  void reserve(std::size_t count);
  // Of the first `count` tokens only those in `held` are needed from now on; `held` never has what an earlier
  // one had not, if it is not behind the tokens of then.
  void release(const std::vector<TokenRange>& held, std::size_t count);

 private:
  SpareTokens& spare_;
  kernel::Token* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::vector<TokenRange> pages_;  // that are held, by number
  std::size_t released_to_ = 0;    // pages looked at
};

}  // namespace tvm::plan
