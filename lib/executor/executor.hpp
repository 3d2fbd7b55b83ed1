// The native executor of token programs: the oracle for what the standard machine generates.
//
// Enters: a decoded program and a sink for tokens.  Leaves: the trace, handed over in chunks.
// Nothing of a transformer is involved; the rules are those of the token language.
#pragma once

#include <cstdint>

#include "base/token_sink.hpp"
#include "executor/program.hpp"

namespace tvm::executor {

// Enough that the hand-over costs nothing, small enough for the second-level cache.
inline constexpr std::size_t kChunk = 16384;

struct Outcome {
  std::uint64_t instructions;  // executed
  std::int64_t cursor;         // the instruction where it stopped
};

// Throws Error (Status::kProgram, Status::kLimit) after handing over the tokens before the error.
Outcome execute(const Program& program, const Vocabulary& vocabulary, HandOver& out);

}  // namespace tvm::executor
