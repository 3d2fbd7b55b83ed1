// What the token ids of a vocabulary mean to the executor.
//
// Enters: the spellings.  Leaves: for each id what it is in a prompt (a byte, an opcode, ...), and
// for each thing that a trace can contain its id.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trace/opcodes.hpp"

namespace tvm::trace {

struct Vocabulary {
  explicit Vocabulary(std::span<const char* const> spellings);

  enum class Kind : std::uint8_t { other, byte, opcode, open, close };
  struct Meaning {
    Kind kind = Kind::other;
    std::uint8_t value = 0;  // the byte, or the Op
  };
  std::vector<Meaning> meanings;       // by id
  std::vector<std::string> spellings;  // by id, for messages

  std::array<std::int32_t, 512> bytes;  // [value + 256 * mark]
  std::array<std::int32_t, 256> outputs;
  struct Commit {  // commit(delta,sts,bt=0); branch: with bt=1
    std::int32_t push, pop, replace, pop_replace, pop2, pop2_replace, neutral;
    std::int32_t neutral_branch, pop_branch;
  } commit;
  std::int32_t branch_taken, call_commit, return_commit, halt;
};

}  // namespace tvm::trace
