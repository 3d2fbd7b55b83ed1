#include "executor/program.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "executor/memory.hpp"

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

void check(const Vocabulary& vocabulary, const Program& program, std::size_t index) {
  const Instruction instruction = program.instructions[index];
  const Row& row = row_of(instruction.op);
  const auto refuse = [&](const std::string& why) {
    throw Error(Status::kProgram, sentence("instruction ", index, " (", std::string(row.name), " ",
                                           instruction.immediate, "): ", why));
  };
  const auto lacking = [&](std::string_view token) {
    refuse(sentence("needs the token '", std::string(token), "', which the vocabulary lacks"));
  };
  // A value of eight bytes takes the word below its own, too.
  const bool below = row.value_bytes == 8 && (row.cell == Cell::local || row.cell == Cell::global);
  if ((row.immediate == Immediate::local || row.immediate == Immediate::global) &&
      instruction.immediate >= kSlots)
    refuse(sentence("an index is below ", kSlots));
  if (below && instruction.immediate == 0) refuse("a value of eight bytes has an index of at least 1");
  const Op before = index == 0 ? Op::past_end : program.instructions[index - 1].op;
  if ((instruction.op == Op::i64_high) != (before == Op::i64_const))
    refuse("i64.high follows i64.const, and nothing else");
  if (const auto token = vocabulary.lacking[static_cast<std::size_t>(instruction.op)]; !token.empty())
    lacking(token);
  if (row.completion == Completion::trap) {
    const auto known = std::ranges::find(kTraps, instruction.immediate,
                                         [](const TrapToken& trap) { return std::uint32_t(trap.kind); });
    if (known == kTraps.end()) refuse("there is no trap of this kind");
    if (vocabulary.traps[instruction.immediate] < 0) lacking(known->spelling);
  }
}

// The rows that a program begins with and that the prompt completes.
std::size_t given_rows(const Program& program) {
  const auto given = [](const Instruction& instruction) {
    return row_of(instruction.op).completion == Completion::never;
  };
  const auto& all = program.instructions;
  const auto count = static_cast<std::size_t>(std::ranges::find_if_not(all, given) - all.begin());
  std::size_t inputs = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string name(row_of(all[i].op).name);
    if (i >= count && given(all[i]))
      throw Error(Status::kProgram,
                  sentence("instruction ", i, " (", name, "): may only stand before all others"));
    if (all[i].op == Op::input_base && ++inputs > 1)
      throw Error(Status::kProgram, sentence("instruction ", i, " (", name, "): there is one already"));
  }
  return count;
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
    program.instructions.push_back(instruction);
    check(vocabulary, program, program.instructions.size() - 1);
  }
  reader.take(Kind::close, "an opcode or '}'");
  if (program.instructions.empty()) throw Error(Status::kProgram, "the program has no instructions");
  if (program.instructions.back().op == Op::i64_const)
    throw Error(Status::kProgram, "the program ends in i64.const: i64.high is missing");

  program.given.resize(given_rows(program));
  for (std::size_t i = 0; i < program.given.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    auto& octets = program.given[i];
    while (reader.kind() == Kind::byte || reader.kind() == Kind::alias)
      octets.push_back(reader.take(reader.kind(), "a byte"));
    if (instruction.op == Op::input_base && (octets.empty() || octets.back() != 0))
      reader.fail("an input byte or the closing 00");
    if (reader.id() != vocabulary.end_of_input) reader.fail("a byte or commit(+0,sts=0,bt=0)");
    if (!Memory::holds(instruction.immediate + std::uint64_t{octets.size()}))
      throw Error(Status::kProgram, sentence("instruction ", i, ": there are more bytes than addresses"));
    reader.advance();
  }
  if (!reader.at_end())
    reader.fail(program.given.empty()
                    ? "the end of the prompt (the program begins with no input_base, data or elements)"
                    : "the end of the prompt");
  program.instructions.push_back({Op::past_end, 0});
  return program;
}

}  // namespace tvm::executor
