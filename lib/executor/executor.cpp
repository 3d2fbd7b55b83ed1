#include "executor/executor.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "executor/memory.hpp"

namespace tvm::executor {
namespace {

// A program that recurses or pushes for ever ends with an error rather than with the machine's
// memory: 2^22 frames take about 1.1 GB, 2^26 operands 256 MB.
constexpr std::size_t kMaxDepth = std::size_t{1} << 22;
constexpr std::size_t kMaxStack = std::size_t{1} << 26;

// The longest instruction: branch_taken, four bytes, a commit.
constexpr std::size_t kLongest = 6;

// Bits 7, 15, 23, 31: whether each byte of an addition carries, of a subtraction borrows.
std::uint32_t carries(std::uint32_t a, std::uint32_t b, std::uint32_t sum) {
  return (a & b) | ((a | b) & ~sum);
}
std::uint32_t borrows(std::uint32_t a, std::uint32_t b, std::uint32_t difference) {
  return (~a & b) | ((~a | b) & difference);
}

// What an instruction emits; the marks of its bytes are bits 7, 15, 23, 31.
struct Value {
  std::uint32_t word = 0, marks = 0;
};

struct Frame {
  std::array<std::uint32_t, kLocals> locals;
  std::uint64_t written = 0;  // a bit per local
};

class Executor {
 public:
  Executor(const Program& program, const Vocabulary& vocabulary, HandOver& out)
      : program_(program), words_(vocabulary), hand_over_(out), buffer_(kChunk + kLongest), frames_(1) {
    if (!program.input.empty()) {
      const std::uint64_t base = program.instructions[0].immediate;
      for (std::size_t j = 0; j < program.input.size(); ++j) memory_.store(base + j, program.input[j], 1);
      cursor_ = 1;
    }
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
  void put_value(Value value, int bytes = 4) {
    for (int k = 0; k < bytes; ++k)
      put(words_.bytes[((value.word >> (8 * k)) & 255) | (((value.marks >> (8 * k + 7)) & 1) << 8)]);
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

  void need(std::size_t operands) const {
    if (stack_.size() < operands)
      fail(sentence("needs ", operands, " operand(s), the stack has ", stack_.size()));
  }
  void push(std::uint32_t value) {
    if (stack_.size() == kMaxStack) fail("more than 2^26 operands on the stack", Status::kLimit);
    stack_.push_back(value);
  }
  // Operand i of an instruction that takes `count`, the deepest first.
  std::uint32_t operand(std::size_t count, std::size_t i) const { return stack_[stack_.size() - count + i]; }

  void jump(std::uint32_t offset) {
    const std::int64_t target = static_cast<std::int64_t>(cursor_) + 1 + static_cast<std::int32_t>(offset);
    if (target < 0 || target >= static_cast<std::int64_t>(program_.size()))
      fail(sentence("jumps to instruction ", target, ", the program has ", program_.size()));
    cursor_ = static_cast<std::size_t>(target);
  }

  // ---- instructions: what the columns of a row say, in the order in which it happens ----
  void step();
  template <Op op>
  void execute(std::uint32_t immediate);
  template <Op op>
  Value value_of(std::uint32_t immediate);
  template <Op op>
  Value read_cell(std::uint32_t immediate);
  template <Op op>
  void write_cell(std::uint32_t immediate, std::uint32_t value);
  template <std::size_t... ops>
  void execute_any(Instruction instruction, std::index_sequence<ops...>) {
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
  std::vector<std::uint32_t> stack_;
  std::vector<Frame> frames_;  // by call depth; a frame outlives its call, as in the machine
  std::vector<std::uint32_t> calls_;
  std::array<std::uint32_t, kGlobals> globals_{};
  std::array<bool, kGlobals> globals_written_{};
  Memory memory_;

  bool stopped_ = false;
  Outcome outcome_{};
};

template <Relation relation>
bool holds(std::uint32_t a, std::uint32_t b) {
  const auto x = static_cast<std::int32_t>(a), y = static_cast<std::int32_t>(b);
  switch (relation) {
    case Relation::eq: return a == b;
    case Relation::ne: return a != b;
    case Relation::lt_s: return x < y;
    case Relation::lt_u: return a < b;
    case Relation::gt_s: return x > y;
    case Relation::gt_u: return a > b;
    case Relation::le_s: return x <= y;
    case Relation::le_u: return a <= b;
    case Relation::ge_s: return x >= y;
    case Relation::ge_u: return a >= b;
    case Relation::eqz:
    case Relation::none: break;
  }
  return a == 0;
}

template <Op op>
Value Executor::read_cell(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.cell == Cell::local) {
    const Frame& frame = frames_[calls_.size()];
    if (((frame.written >> immediate) & 1) == 0)
      fail(sentence("local ", immediate, " was never written at call depth ", calls_.size()));
    return {frame.locals[immediate], 0};
  } else if constexpr (row.cell == Cell::global) {
    if (!globals_written_[immediate]) fail(sentence("global ", immediate, " was never written"));
    return {globals_[immediate], 0};
  } else {
    constexpr int bytes = row.access_bytes;
    const std::uint32_t value = memory_.load(std::uint64_t{operand(1, 0)} + immediate, bytes);
    // A negative value shorter than a word: the sign is passed from its highest byte to the end.
    if constexpr (row.is_signed)
      if ((value >> (8 * bytes - 1)) != 0) {
        const std::uint32_t high = ~std::uint32_t{0} << (8 * bytes);
        return {value | high, high | (1u << (8 * bytes - 1))};
      }
    return {value, 0};
  }
}

template <Op op>
void Executor::write_cell(std::uint32_t immediate, std::uint32_t value) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.cell == Cell::local) {
    Frame& frame = frames_[calls_.size()];
    frame.locals[immediate] = value;
    frame.written |= std::uint64_t{1} << immediate;
  } else if constexpr (row.cell == Cell::global) {
    globals_[immediate] = value;
    globals_written_[immediate] = true;
  } else if constexpr (row.cell == Cell::address) {
    memory_.store(std::uint64_t{operand(2, 0)} + immediate, value, row.access_bytes);
  }
}

template <Op op>
Value Executor::value_of(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.source == Source::immediate) {
    return {immediate, 0};
  } else if constexpr (row.source == Source::return_) {
    if (calls_.empty()) fail("returns although no call is open");
    const std::uint32_t offset = immediate - calls_.back();
    return {offset, borrows(immediate, calls_.back(), offset)};
  } else if constexpr (row.source == Source::top) {
    return {operand(1, 0), 0};
  } else if constexpr (row.source == Source::select) {
    return {operand(3, 2) != 0 ? operand(3, 0) : operand(3, 1), 0};
  } else if constexpr (row.source == Source::add || row.source == Source::sub) {
    const std::uint32_t a = operand(2, 0), b = operand(2, 1);
    constexpr bool adds = row.source == Source::add;
    const std::uint32_t result = adds ? a + b : a - b;
    return {result, adds ? carries(a, b, result) : borrows(a, b, result)};
  } else if constexpr (row.source == Source::compare) {
    return {holds<row.relation>(operand(row.pops, 0), operand(1, 0)), 0};
  } else if constexpr (row.source == Source::cell) {
    return read_cell<op>(immediate);
  }
  return {};
}

template <Op op>
void Executor::execute(std::uint32_t immediate) {
  constexpr const Row& row = row_of(op);
  if constexpr (row.completion == Completion::never)
    fail(sentence(std::string(row.name), " cannot be executed again"));
  if constexpr (row.pops > 0) need(row.pops);
  const Value value = value_of<op>(immediate);
  if constexpr (row.completion == Completion::halt) {
    put(words_.halt);
    ++executed_;
    return flush(true);
  } else if constexpr (row.completion == Completion::out) {
    put(words_.outputs[value.word & 255]);
    ++cursor_;
  } else if constexpr (row.immediate == Immediate::jump) {
    if (row.pops > 0 && operand(1, 0) == 0) {
      put(words_.not_taken);
      ++cursor_;
    } else {
      if constexpr (row.completion == Completion::call_commit)
        if (calls_.size() + 1 == kMaxDepth) fail("more than 2^22 calls deep", Status::kLimit);
      put(words_.branch_taken);
      put_value(value);
      put(words_.completing[static_cast<std::size_t>(op)]);
      jump(value.word);
      if constexpr (row.completion == Completion::call_commit) {
        calls_.push_back(immediate);
        if (frames_.size() == calls_.size()) frames_.emplace_back();
      } else if constexpr (row.completion == Completion::return_commit) {
        calls_.pop_back();
      }
    }
  } else {
    if constexpr (row.source != Source::cell) write_cell<op>(immediate, value.word);
    put_value(value, row.value_bytes);
    put(words_.completing[static_cast<std::size_t>(op)]);
    ++cursor_;
  }
  for (int k = row.pushes ? 1 : 0; k < row.pops; ++k) stack_.pop_back();
  if constexpr (row.pushes && row.pops > 0)
    stack_.back() = value.word;
  else if constexpr (row.pushes)
    push(value.word);
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
