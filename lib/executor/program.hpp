// A prompt, decoded: the program's instructions, its input and data.
//
// Enters: token ids `{ (opcode b0 b1 b2 b3)* }` and, for each of the rows input_base, data and elements that
// the program begins with, bytes (those of an input end in 00) and commit(+0,sts=0,bt=0).  Leaves:
// instructions checked as far as that is possible before running them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "executor/vocabulary.hpp"

namespace tvm::executor {

struct Instruction {
  Op op;
  std::uint32_t immediate;
};

struct Program {
  std::vector<Instruction> instructions;         // plus one `past_end`
  std::vector<std::vector<std::uint8_t>> given;  // the bytes for each of its first rows

  std::size_t size() const { return instructions.size() - 1; }
};

Program decode(const Vocabulary& vocabulary, std::span<const std::int32_t> prompt);

}  // namespace tvm::executor
