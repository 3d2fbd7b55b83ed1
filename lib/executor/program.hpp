// A prompt, decoded: the program's instructions and its input.
//
// Enters: token ids `{ (opcode b0 b1 b2 b3)* }` and, exactly when instruction 0 is input_base,
// input bytes, 00, commit(+0,sts=0,bt=0).  Leaves: instructions checked as far as that is possible
// before running them.
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
  std::vector<Instruction> instructions;  // plus one `past_end`
  std::vector<std::uint8_t> input;        // with the closing 00; empty when there is no input_base

  std::size_t size() const { return instructions.size() - 1; }
};

Program decode(const Vocabulary& vocabulary, std::span<const std::int32_t> prompt);

}  // namespace tvm::executor
