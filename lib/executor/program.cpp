#include "executor/program.hpp"

#include "base/error.hpp"

namespace tvm::executor {
namespace {

using Kind = Vocabulary::Kind;

class PromptReader {
 public:
  PromptReader(const Vocabulary& vocabulary, std::span<const std::int32_t> prompt)
      : vocabulary_(vocabulary), prompt_(prompt) {
    for (std::size_t i = 0; i < prompt.size(); ++i) {
      if (prompt[i] < 0 || static_cast<std::size_t>(prompt[i]) >= vocabulary.meanings.size())
        throw Error(Status::kProgram, sentence("prompt position ", i, ": token id ", prompt[i],
                                               " is outside the vocabulary of ", vocabulary.meanings.size()));
    }
  }

  bool at_end() const { return position_ == prompt_.size(); }
  std::int32_t id() const { return at_end() ? -1 : prompt_[position_]; }
  Kind kind() const { return at_end() ? Kind::other : vocabulary_.meanings[id()].kind; }
  void advance() { ++position_; }

  std::uint8_t take(Kind kind, const char* expected) {
    if (this->kind() != kind) fail(expected);
    return vocabulary_.meanings[prompt_[position_++]].value;
  }

  [[noreturn]] void fail(const char* expected) const {
    if (at_end())
      throw Error(Status::kProgram,
                  sentence("the prompt ends at position ", position_, " where ", expected, " is expected"));
    throw Error(Status::kProgram,
                sentence("prompt position ", position_, ": found '", vocabulary_.spellings[id()], "' where ",
                         expected, " is expected"));
  }

 private:
  const Vocabulary& vocabulary_;
  std::span<const std::int32_t> prompt_;
  std::size_t position_ = 0;
};

void check(const Instruction& instruction, std::size_t index) {
  const Row& row = row_of(instruction.op);
  const auto refuse = [&](const std::string& why) {
    throw Error(Status::kProgram, sentence("instruction ", index, " (", std::string(row.name), " ",
                                           instruction.immediate, "): ", why));
  };
  if (row.immediate == Immediate::local && instruction.immediate >= kLocals)
    refuse(sentence("there are only ", kLocals, " locals"));
  if (row.immediate == Immediate::global && instruction.immediate >= kGlobals)
    refuse(sentence("there are only ", kGlobals, " globals"));
  if (row.completion == Completion::never && index != 0)
    refuse(sentence(std::string(row.name), " may only be instruction 0"));
}

}  // namespace

Program decode(const Vocabulary& vocabulary, std::span<const std::int32_t> prompt) {
  PromptReader reader(vocabulary, prompt);
  Program program;
  reader.take(Kind::open, "'{'");
  while (reader.kind() == Kind::opcode) {
    Instruction instruction{static_cast<Op>(reader.take(Kind::opcode, "an opcode")), 0};
    for (int k = 0; k < 4; ++k)
      instruction.immediate |= std::uint32_t{reader.take(Kind::byte, "an immediate byte")} << (8 * k);
    check(instruction, program.instructions.size());
    program.instructions.push_back(instruction);
  }
  reader.take(Kind::close, "an opcode or '}'");
  if (program.instructions.empty()) throw Error(Status::kProgram, "the program has no instructions");

  if (program.instructions[0].op == Op::input_base) {
    while (reader.kind() == Kind::byte || reader.kind() == Kind::alias)
      program.input.push_back(reader.take(reader.kind(), "an input byte"));
    if (program.input.empty() || program.input.back() != 0) reader.fail("an input byte or the closing 00");
    if (reader.id() != vocabulary.end_of_input) reader.fail("an input byte or commit(+0,sts=0,bt=0)");
    reader.advance();
  }
  if (!reader.at_end())
    reader.fail(program.input.empty() ? "the end of the prompt (instruction 0 is not input_base)"
                                      : "the end of the prompt");
  program.instructions.push_back({Op::past_end, 0});
  return program;
}

}  // namespace tvm::executor
