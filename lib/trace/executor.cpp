#include "trace/executor.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "api/error.hpp"
#include "trace/memory.hpp"

namespace tvm::trace {
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

struct Frame {
  std::array<std::uint32_t, kLocals> locals;
  std::uint64_t written = 0;  // a bit per local
};

class Executor {
 public:
  Executor(const Program& program, const Vocabulary& vocabulary, std::uint64_t limit, tvm_callback callback,
           void* user)
      : program_(program),
        words_(vocabulary),
        callback_(callback),
        user_(user),
        left_(limit == 0 ? ~std::uint64_t{0} : limit),
        buffer_(kChunk + kLongest),
        frames_(1) {
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
  void put_value(std::uint32_t value, std::uint32_t marks = 0, int bytes = 4) {
    for (int k = 0; k < bytes; ++k)
      put(words_.bytes[((value >> (8 * k)) & 255) | (((marks >> (8 * k + 7)) & 1) << 8)]);
  }

  void reset_buffer() {
    out_ = buffer_.data();
    full_ = out_ + std::min<std::uint64_t>(kChunk, left_);
  }

  void flush(bool halted = false) {
    std::uint64_t count = static_cast<std::uint64_t>(out_ - buffer_.data());
    const bool cut = count > left_;
    if (cut) count = left_;
    left_ -= count;
    outcome_.tokens += count;
    const bool enough = callback_ != nullptr && callback_(user_, buffer_.data(), count) != 0;
    if (halted && !cut) {
      stop(TVM_STOPPED_TOKEN);
    } else if (left_ == 0) {
      stop(TVM_STOPPED_LIMIT, cut ? previous_ : cursor_);
    } else if (enough) {
      stop(TVM_STOPPED_CALLBACK);
    }
    reset_buffer();
  }

  void stop(std::int32_t reason) { stop(reason, cursor_); }
  void stop(std::int32_t reason, std::size_t cursor) {
    stopped_ = true;
    outcome_.stopped = reason;
    outcome_.cursor = static_cast<std::int64_t>(cursor);
    outcome_.instructions = executed_;
  }

  // ---- state ----
  [[noreturn]] void fail(const std::string& why, tvm_status status = TVM_ERROR_PROGRAM) const {
    const Op op = program_.instructions[cursor_].op;
    const std::string name =
        op == Op::past_end ? "" : " (" + std::string(kOpNames[static_cast<std::size_t>(op)]) + ")";
    throw Error(status, sentence("instruction ", cursor_, name, ": ", why));
  }

  void need(std::size_t operands) const {
    if (stack_.size() < operands)
      fail(sentence("needs ", operands, " operand(s), the stack has ", stack_.size()));
  }
  void push(std::uint32_t value) {
    if (stack_.size() == kMaxStack) fail("more than 2^26 operands on the stack", TVM_ERROR_LIMIT);
    stack_.push_back(value);
  }
  std::uint32_t& top() { return stack_.back(); }
  std::uint32_t second() const { return stack_[stack_.size() - 2]; }

  void jump(std::uint32_t offset) {
    const std::int64_t target = static_cast<std::int64_t>(cursor_) + 1 + static_cast<std::int32_t>(offset);
    if (target < 0 || target >= static_cast<std::int64_t>(program_.size()))
      fail(sentence("jumps to instruction ", target, ", the program has ", program_.size()));
    cursor_ = static_cast<std::size_t>(target);
  }

  // ---- instructions ----
  void step();
  void binary(std::uint32_t value) {
    stack_.pop_back();
    top() = value;
    put_value(value);
    put(words_.commit.pop_replace);
    ++cursor_;
  }
  void load(int bytes, bool is_signed, std::uint32_t immediate);
  void store(int bytes, std::uint32_t immediate);

  const Program& program_;
  const Vocabulary& words_;
  tvm_callback callback_;
  void* user_;
  std::uint64_t left_;  // tokens until the limit
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

void Executor::load(int bytes, bool is_signed, std::uint32_t immediate) {
  need(1);
  std::uint32_t value = memory_.load(std::uint64_t{top()} + immediate, bytes);
  std::uint32_t marks = 0;
  // A negative value shorter than a word: the sign is passed from its highest byte to the end.
  if (is_signed && (value >> (8 * bytes - 1)) != 0) {
    const std::uint32_t high = ~std::uint32_t{0} << (8 * bytes);
    value |= high;
    marks = high | (1u << (8 * bytes - 1));
  }
  top() = value;
  put_value(value, marks);
  put(words_.commit.replace);
  ++cursor_;
}

void Executor::store(int bytes, std::uint32_t immediate) {
  need(2);
  memory_.store(std::uint64_t{second()} + immediate, top(), bytes);
  put_value(top(), 0, bytes);
  put(words_.commit.pop2);
  stack_.resize(stack_.size() - 2);
  ++cursor_;
}

void Executor::step() {
  const Instruction instruction = program_.instructions[cursor_];
  const std::uint32_t immediate = instruction.immediate;
  previous_ = cursor_;
  switch (instruction.op) {
    case Op::halt:
      put(words_.halt);
      ++executed_;
      return flush(true);
    case Op::br:
      put(words_.branch_taken);
      put_value(immediate);
      put(words_.commit.neutral_branch);
      jump(immediate);
      break;
    case Op::br_if:
      need(1);
      if (top() != 0) {
        put(words_.branch_taken);
        put_value(immediate);
        put(words_.commit.pop_branch);
        jump(immediate);
      } else {
        put(words_.commit.pop);
        ++cursor_;
      }
      stack_.pop_back();
      break;
    case Op::call:
      if (calls_.size() + 1 == kMaxDepth) fail("more than 2^22 calls deep", TVM_ERROR_LIMIT);
      put(words_.branch_taken);
      put_value(immediate);
      put(words_.call_commit);
      jump(immediate);
      calls_.push_back(immediate);
      if (frames_.size() == calls_.size()) frames_.emplace_back();
      break;
    case Op::return_: {
      if (calls_.empty()) fail("returns although no call is open");
      const std::uint32_t offset = immediate - calls_.back();
      put(words_.branch_taken);
      put_value(offset, borrows(immediate, calls_.back(), offset));
      put(words_.return_commit);
      jump(offset);
      calls_.pop_back();
      break;
    }
    case Op::drop:
      need(1);
      stack_.pop_back();
      put(words_.commit.pop);
      ++cursor_;
      break;
    case Op::select: {
      need(3);
      const std::uint32_t condition = top();
      stack_.pop_back();
      const std::uint32_t other = top();
      stack_.pop_back();
      if (condition == 0) top() = other;
      put_value(top());
      put(words_.commit.pop2_replace);
      ++cursor_;
      break;
    }
    case Op::local_get: {
      const Frame& frame = frames_[calls_.size()];
      if (((frame.written >> immediate) & 1) == 0)
        fail(sentence("local ", immediate, " was never written at call depth ", calls_.size()));
      push(frame.locals[immediate]);
      put_value(top());
      put(words_.commit.push);
      ++cursor_;
      break;
    }
    case Op::local_set:
    case Op::local_tee: {
      need(1);
      Frame& frame = frames_[calls_.size()];
      frame.locals[immediate] = top();
      frame.written |= std::uint64_t{1} << immediate;
      put_value(top());
      if (instruction.op == Op::local_set) {
        stack_.pop_back();
        put(words_.commit.pop);
      } else {
        put(words_.commit.replace);
      }
      ++cursor_;
      break;
    }
    case Op::global_get:
      if (!globals_written_[immediate]) fail(sentence("global ", immediate, " was never written"));
      push(globals_[immediate]);
      put_value(top());
      put(words_.commit.push);
      ++cursor_;
      break;
    case Op::global_set:
      need(1);
      globals_[immediate] = top();
      globals_written_[immediate] = true;
      put_value(top());
      stack_.pop_back();
      put(words_.commit.pop);
      ++cursor_;
      break;
    case Op::load: load(4, false, immediate); break;
    case Op::load8_s: load(1, true, immediate); break;
    case Op::load8_u: load(1, false, immediate); break;
    case Op::load16_s: load(2, true, immediate); break;
    case Op::load16_u: load(2, false, immediate); break;
    case Op::store: store(4, immediate); break;
    case Op::store8: store(1, immediate); break;
    case Op::store16: store(2, immediate); break;
    case Op::const_:
      push(immediate);
      put_value(immediate);
      put(words_.commit.push);
      ++cursor_;
      break;
    case Op::eqz:
      need(1);
      top() = top() == 0;
      put_value(top());
      put(words_.commit.replace);
      ++cursor_;
      break;
    case Op::eq:
      need(2);
      binary(second() == top());
      break;
    case Op::ne:
      need(2);
      binary(second() != top());
      break;
    case Op::lt_s:
      need(2);
      binary(static_cast<std::int32_t>(second()) < static_cast<std::int32_t>(top()));
      break;
    case Op::lt_u:
      need(2);
      binary(second() < top());
      break;
    case Op::gt_s:
      need(2);
      binary(static_cast<std::int32_t>(second()) > static_cast<std::int32_t>(top()));
      break;
    case Op::gt_u:
      need(2);
      binary(second() > top());
      break;
    case Op::le_s:
      need(2);
      binary(static_cast<std::int32_t>(second()) <= static_cast<std::int32_t>(top()));
      break;
    case Op::le_u:
      need(2);
      binary(second() <= top());
      break;
    case Op::ge_s:
      need(2);
      binary(static_cast<std::int32_t>(second()) >= static_cast<std::int32_t>(top()));
      break;
    case Op::ge_u:
      need(2);
      binary(second() >= top());
      break;
    case Op::add:
    case Op::sub: {
      need(2);
      const std::uint32_t b = top();
      stack_.pop_back();
      const std::uint32_t a = top();
      const bool is_add = instruction.op == Op::add;
      top() = is_add ? a + b : a - b;
      put_value(top(), is_add ? carries(a, b, top()) : borrows(a, b, top()));
      put(words_.commit.pop_replace);
      ++cursor_;
      break;
    }
    case Op::output:
      need(1);
      put(words_.outputs[top() & 255]);
      stack_.pop_back();
      ++cursor_;
      break;
    case Op::input_base: fail("input_base cannot be executed again");
    case Op::past_end: fail("the cursor ran past the program's end");
  }
  ++executed_;
  if (out_ >= full_) flush();
}

}  // namespace

Outcome execute(const Program& program, const Vocabulary& vocabulary, std::uint64_t limit,
                tvm_callback callback, void* user) {
  return Executor(program, vocabulary, limit, callback, user).run();
}

}  // namespace tvm::trace
