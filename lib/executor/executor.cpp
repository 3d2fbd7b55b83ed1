#include "executor/executor.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "executor/arithmetic.hpp"
#include "executor/cells.hpp"
#include "executor/memory.hpp"

namespace tvm::executor {
namespace {

// A program that recurses or pushes for ever ends with an error rather than with the machine's
// memory: 2^22 frames take about 1.1 GB, 2^26 operands 512 MB.
constexpr std::size_t kMaxDepth = std::size_t{1} << 22;
constexpr std::size_t kMaxStack = std::size_t{1} << 26;

// Tokens of the longest instruction: its value and what stands before, branch_taken and what completes it.
constexpr std::size_t longest() {
  std::size_t most = 2;  // trap(..) halt
  for (const Row& row : kRows) most = std::max<std::size_t>(most, 2u + row.scratch + row.value_bytes);
  return most;
}
constexpr std::size_t kLongest = longest();

constexpr unsigned kPageBits = 16;  // of the pages that a program counts its memory in
constexpr std::uint64_t kWholeMemory = std::uint64_t{1} << 32;  // until it says how many

class Executor {
 public:
  Executor(const Program& program, const Vocabulary& vocabulary, HandOver& out)
      : program_(program), words_(vocabulary), hand_over_(out), buffer_(kChunk + kLongest) {
    for (const auto& octets : program.given) {
      const Instruction& instruction = program.instructions[cursor_++];
      const bool of_table = row_of(instruction.op).cell == Cell::table;
      for (std::size_t j = 0; j < octets.size(); ++j) {
        const std::uint64_t address = std::uint64_t{instruction.immediate} + j;
        if (of_table)
          table_.store(address, octets[j]);
        else
          memory_.store(address, octets[j], 1);
      }
    }
    if (!vocabulary.checks_memory) memory_end_ = ~std::uint64_t{0};
    reset_buffer();
  }

  Outcome run() {
    try {
      while (!stopped_) step();
    } catch (const Error&) {
      // What the program did before its error is shown; if that reaches the limit, or the
      // callback has enough, the error lies beyond the run.
      if (!stopped_ && out_ != buffer_.data()) flush();
      if (!stopped_) throw;
    }
    return outcome_;
  }

 private:
  // ---- tokens out ----
  void put(std::int32_t token) { *out_++ = token; }
  template <int bytes>
  [[gnu::always_inline]] inline void put_value(Value value) {
    for (int k = 0; k < bytes; ++k)
      put(words_.bytes[((value.word >> (8 * k)) & 255) | (((value.marks >> (8 * k + 7)) & 1) << 8)]);
  }
  void put_digits(std::uint32_t number) {
    for (int k = 3; k >= 0; --k) put(words_.scratch[(number >> (8 * k)) & 255]);
  }

  void reset_buffer() {
    out_ = buffer_.data();
    full_ = out_ + hand_over_.room(kChunk);
  }

  void flush(bool halted = false) {
    const auto count = static_cast<std::size_t>(out_ - buffer_.data());
    const bool cut = hand_over_.room(count) < count;  // the limit lies within the last instruction's tokens
    stopped_ = hand_over_.give({buffer_.data(), count}, halted);
    if (stopped_) outcome_ = {executed_, static_cast<std::int64_t>(cut ? previous_ : cursor_)};
    reset_buffer();
  }

  // ---- state ----
  [[noreturn]] void fail(const std::string& why, Status status = Status::kProgram) const {
    const Op op = program_.instructions[cursor_].op;
    const std::string name = op == Op::past_end ? "" : " (" + std::string(row_of(op).name) + ")";
    throw Error(status, sentence("instruction ", cursor_, name, ": ", why));
  }

  [[gnu::always_inline]] inline void need(std::size_t operands) const {
    if (stack_.size() < operands)
      fail(sentence("needs ", operands, " operand(s), the stack has ", stack_.size()));
  }
  [[gnu::always_inline]] inline void push(std::uint64_t value) {
    if (stack_.size() == kMaxStack) fail("more than 2^26 operands on the stack", Status::kLimit);
    stack_.push_back(value);
  }
  // Operand i of an instruction that takes `count`, the deepest first.
  std::uint64_t wide(std::size_t count, std::size_t i) const { return stack_[stack_.size() - count + i]; }
  std::uint32_t operand(std::size_t count, std::size_t i) const {
    return static_cast<std::uint32_t>(wide(count, i));
  }

  [[gnu::always_inline]] inline void jump(std::uint32_t offset) {
    const std::int64_t target = static_cast<std::int64_t>(cursor_) + 1 + static_cast<std::int32_t>(offset);
    if (target < 0 || target >= static_cast<std::int64_t>(program_.size()))
      fail(sentence("jumps to instruction ", target, ", the program has ", program_.size()));
    cursor_ = static_cast<std::size_t>(target);
  }

  // ---- instructions: what the columns of a row say, in the order in which it happens ----
  [[gnu::always_inline]] inline void step();
  template <Op op>
  [[gnu::always_inline]] inline void execute(std::uint32_t immediate);
  template <Op op>
  [[gnu::always_inline]] inline Trap trap_of(std::uint32_t immediate) const;
  template <Op op>
  [[gnu::always_inline]] inline Value value_of(std::uint32_t immediate);
  template <Op op>
  Value divide();
  template <Op op>
  [[gnu::always_inline]] inline Value read_cell(std::uint32_t immediate);
  template <Op op>
  [[gnu::always_inline]] inline void write_cell(std::uint32_t immediate, std::uint64_t value);
  // The slot of index 0.
  template <Cell cell>
  std::size_t first_slot() const {
    return cell == Cell::local ? kGlobals + kLocals * calls_.size() : 0;
  }
  void stop(Trap kind);
  template <std::size_t... ops>
  [[gnu::always_inline]] inline void execute_any(Instruction instruction, std::index_sequence<ops...>) {
    // The compiler makes one jump table of it.
    static_cast<void>(((static_cast<std::size_t>(instruction.op) == ops &&
                        (execute<static_cast<Op>(ops)>(instruction.immediate), true)) ||
                       ...));
  }

  const Program& program_;
  const Vocabulary& words_;
  HandOver& hand_over_;
  std::vector<std::int32_t> buffer_;
  std::int32_t* out_ = nullptr;
  const std::int32_t* full_ = nullptr;  // hand over when out_ reaches it

  std::size_t cursor_ = 0;
  std::size_t previous_ = 0;  // cursor of the instruction executed last
  std::uint64_t executed_ = 0;
  std::vector<std::uint64_t> stack_;
  std::vector<std::uint32_t> calls_;
  Slots slots_;  // of globals and locals
  Memory memory_;
  std::uint64_t memory_end_ = kWholeMemory;
  Table table_;

  bool stopped_ = false;
  Outcome outcome_{};
};

template <Op op>
Value Executor::read_cell(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.cell == Cell::address) {
    constexpr int bytes = row.access_bytes;
    return extended<bytes, row.is_signed>(memory_.load(std::uint64_t{operand(1, 0)} + immediate, bytes));
  } else {
    Value value;
    for (std::uint32_t i = 0; i < row.value_bytes / 4; ++i) {
      const std::uint32_t index = immediate - i;
      const std::size_t slot = first_slot<row.cell>() + index;
      if (!slots_.has(slot))
        fail(row.cell == Cell::local
                 ? sentence("local ", index, " was never written at call depth ", calls_.size())
                 : sentence("global ", index, " was never written"));
      value.word |= std::uint64_t{slots_[slot]} << (32 * i);
    }
    return value;
  }
}

template <Op op>
void Executor::write_cell(std::uint32_t immediate, std::uint64_t value) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.cell == Cell::address) {
    memory_.store(std::uint64_t{operand(2, 0)} + immediate, value, row.access_bytes);
  } else if constexpr (row.cell != Cell::none) {
    for (std::uint32_t i = 0; i < row.value_bytes / 4; ++i)
      slots_.set(first_slot<row.cell>() + immediate - i, static_cast<std::uint32_t>(value >> (32 * i)));
  }
}

// Why the instruction does nothing but end the program.
template <Op op>
Trap Executor::trap_of(std::uint32_t immediate) const {
  constexpr const Row& row = row_of(op);
  if constexpr (row.completion == Completion::trap) {
    return static_cast<Trap>(immediate);
  } else if constexpr (row.cell == Cell::address) {
    const std::uint64_t address = std::uint64_t{operand(row.pops, 0)} + immediate;
    if (address + row.access_bytes > memory_end_) return Trap::out_of_bounds;
  } else if constexpr (row.source == Source::divide || row.source == Source::remain) {
    const std::uint32_t b = operand(2, 1);
    if (b == 0) return Trap::divide_by_zero;
    if (row.operation == Operation::div_s && operand(2, 0) == 0x80000000 && b == 0xFFFFFFFF)
      return Trap::integer_overflow;
  } else if constexpr (row.source == Source::element) {
    return table_.trap_of(operand(1, 0), immediate);
  }
  return Trap::none;
}

template <Op op>
Value Executor::divide() {
  const Division<op> division = divided<op>(static_cast<Operand<op>>(wide(2, 0)), operand(2, 1));
  for (const std::uint16_t digit : division.digits) put(words_.scratch[digit]);
  constexpr bool remains = row_of(op).source == Source::remain;
  if (remains) put_digits(division.remainder);
  const std::uint64_t result = remains ? division.remainder : division.quotient;
  if (!division.negative) return {result, 0};
  // From a digit 256 on all bytes borrow.
  const std::uint64_t marks = division.lacking && !remains ? ~std::uint64_t{0xFF} : 0;
  return {0 - result, marks | borrows(0, result, 0 - result)};
}

// What stands before the value is emitted at once.
template <Op op>
Value Executor::value_of(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  [[maybe_unused]] const auto taken = [&](std::size_t i) {
    return static_cast<Operand<op>>(wide(row.pops, i));
  };
  if constexpr (row.source == Source::immediate) {
    if constexpr (row.completion != Completion::skip) return {immediate, 0};
    return {immediate | std::uint64_t{program_.instructions[cursor_ + 1].immediate} << 32, 0};
  } else if constexpr (row.source == Source::return_) {
    if (calls_.empty()) fail("returns although no call is open");
    const std::uint32_t offset = immediate - calls_.back();
    return {offset, borrows(immediate, calls_.back(), offset)};
  } else if constexpr (row.source == Source::distance) {
    const std::uint32_t offset = operand(1, 0) - immediate;
    return {offset, borrows(operand(1, 0), immediate, offset)};
  } else if constexpr (row.source == Source::clamped) {
    return {std::min(operand(1, 0), immediate), 0};
  } else if constexpr (row.source == Source::top) {
    if constexpr (row.cell == Cell::none && row.access_bytes > 0)
      return extended<row.access_bytes, row.is_signed>(wide(1, 0));
    return {wide(1, 0), 0};
  } else if constexpr (row.source == Source::select) {
    return {operand(3, 2) != 0 ? wide(3, 0) : wide(3, 1), 0};
  } else if constexpr (row.source == Source::add || row.source == Source::sub) {
    const Operand<op> a = taken(0), b = taken(1);
    constexpr bool adds = row.source == Source::add;
    const Operand<op> result = adds ? a + b : a - b;
    return {result, adds ? carries(a, b, result) : borrows(a, b, result)};
  } else if constexpr (row.source == Source::compare) {
    return {holds<op>(taken(0), taken(row.pops - 1)), 0};
  } else if constexpr (row.source == Source::logic) {
    return {joined<op>(taken(0), taken(1)), 0};
  } else if constexpr (row.source == Source::shift) {
    return {shifted<op>(taken(0), taken(1)), 0};
  } else if constexpr (row.source == Source::count) {
    return {counted<op>(taken(0), taken(row.pops - 1)), 0};
  } else if constexpr (row.source == Source::multiply || row.source == Source::multiply_high) {
    const Operand<op> a = taken(0), b = taken(1);
    for (const std::uint16_t carried : column_carries<op>(a, b)) put(words_.scratch[carried]);
    return {row.source == Source::multiply ? static_cast<Operand<op>>(a * b) : upper_half(a, b), 0};
  } else if constexpr (row.source == Source::divide || row.source == Source::remain) {
    return divide<op>();
  } else if constexpr (row.source == Source::size) {
    return {memory_end_ >> kPageBits, 0};
  } else if constexpr (row.source == Source::element) {
    return {table_.function(operand(1, 0)), 0};
  } else if constexpr (row.source == Source::cell) {
    return read_cell<op>(immediate);
  }
  return {};
}

void Executor::stop(Trap kind) {
  if (kind != Trap::none) put(words_.traps[static_cast<std::size_t>(kind)]);
  put(words_.halt);
  ++executed_;
  flush(true);
}

template <Op op>
void Executor::execute(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  constexpr bool jumps = row.completion == Completion::branch || row.completion == Completion::call_commit ||
                         row.completion == Completion::return_commit;
  if constexpr (row.completion == Completion::never || row.completion == Completion::part)
    fail(sentence(std::string(row.name), " cannot be executed"));
  if constexpr (row.pops > 0) need(row.pops);
  if (const Trap trap = trap_of<op>(immediate); trap != Trap::none) return stop(trap);
  if constexpr (jumps) {
    // A br_if asks its operand; a br_table or a call_element always jumps.
    if (row.pops > 0 && row.immediate == Immediate::jump && operand(1, 0) == 0) {
      put(words_.not_taken);
      ++cursor_;
    } else {
      const Value value = value_of<op>(immediate);
      if constexpr (row.completion == Completion::call_commit)
        if (calls_.size() + 1 == kMaxDepth) fail("more than 2^22 calls deep", Status::kLimit);
      put(words_.branch_taken);
      put_value<row.value_bytes>(value);
      put(words_.completing[static_cast<std::size_t>(op)]);
      const auto offset = static_cast<std::uint32_t>(value.word);
      jump(offset);
      if constexpr (row.completion == Completion::call_commit) calls_.push_back(offset);
      if constexpr (row.completion == Completion::return_commit) calls_.pop_back();
    }
    for (int k = 0; k < row.pops; ++k) stack_.pop_back();
  } else {
    Value value = value_of<op>(immediate);
    if constexpr (row.value_bytes == 4) value.word &= 0xFFFFFFFF;
    if constexpr (row.source != Source::cell) write_cell<op>(immediate, value.word);
    put_value<row.value_bytes>(value);
    if constexpr (row.completion == Completion::halt) return stop(Trap::none);
    if constexpr (row.completion == Completion::out)
      put(words_.outputs[value.word & 255]);
    else if constexpr (row.completion == Completion::err)
      put(words_.errors[value.word & 255]);
    else
      put(words_.completing[static_cast<std::size_t>(op)]);
    if constexpr (row.completion == Completion::resize) memory_end_ = value.word << kPageBits;
    cursor_ += row.completion == Completion::skip ? 2 : 1;
    for (int k = row.pushes ? 1 : 0; k < row.pops; ++k) stack_.pop_back();
    if constexpr (row.pushes && row.pops > 0)
      stack_.back() = value.word;
    else if constexpr (row.pushes)
      push(value.word);
  }
  ++executed_;
  if (out_ >= full_) flush();
}

void Executor::step() {
  const Instruction instruction = program_.instructions[cursor_];
  previous_ = cursor_;
  if (instruction.op == Op::past_end) fail("the cursor ran past the program's end");
  execute_any(instruction, std::make_index_sequence<kRows.size()>());
}

}  // namespace

Outcome execute(const Program& program, const Vocabulary& vocabulary, HandOver& out) {
  return Executor(program, vocabulary, out).run();
}

}  // namespace tvm::executor
