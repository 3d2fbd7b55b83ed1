// What the token ids of a vocabulary mean to the executor.
//
// Enters: the spellings.  Leaves: for each id what it is in a prompt (a byte, an opcode, ...), and
// for each thing that a trace can contain its id.  Tokens of the base machine must be there; others may be
// lacking (their id is -1), and then only programs that need them are refused.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "executor/isa.hpp"

namespace tvm::executor {

struct Vocabulary {
  explicit Vocabulary(std::span<const char* const> spellings);

  enum class Kind : std::uint8_t {
    other,
    byte,
    alias,
    opcode,
    open,
    close
  };  // alias: of a byte, in an input
  struct Meaning {
    Kind kind = Kind::other;
    std::uint8_t value = 0;  // the byte, or the Op
  };
  std::vector<Meaning> meanings;       // by id
  std::vector<std::string> spellings;  // by id, for messages

  std::array<std::int32_t, 512> bytes;  // [value + 256 * mark]
  std::array<std::int32_t, 256> outputs, errors;
  std::array<std::int32_t, 256> traps;  // by kind
  std::array<std::int32_t, kScratchNumbers> scratch;
  std::array<std::int32_t, kRows.size()> completing;   // by Op; of `output` the first of its tokens
  std::array<std::string_view, kRows.size()> lacking;  // by Op: a token that it may need; else empty
  std::int32_t branch_taken, not_taken, end_of_input, halt;
  bool checks_memory;  // the base machine, which has no traps, does not
};

}  // namespace tvm::executor
