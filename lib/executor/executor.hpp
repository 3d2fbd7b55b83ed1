// The native executor of token programs: the oracle for what the standard machine generates.
//
// Enters: a decoded program and a sink for tokens.  Leaves: the trace, handed over in chunks.
// Nothing of a transformer is involved; the rules are those of the token language.
#pragma once

#include <cstdint>

#include "executor/program.hpp"
#include "tvm.h"

namespace tvm::executor {

// Enough that the hand-over costs nothing, small enough for the second-level cache.
inline constexpr std::size_t kChunk = 16384;

struct Outcome {
  std::int32_t stopped;  // TVM_STOPPED_...
  std::uint64_t tokens;
  std::uint64_t instructions;
  std::int64_t cursor;
};

// Throws Error (TVM_ERROR_PROGRAM, TVM_ERROR_LIMIT) after handing over the tokens before the error.
Outcome execute(const Program& program, const Vocabulary& vocabulary, std::uint64_t limit,
                tvm_callback callback, void* user);

}  // namespace tvm::executor
