#include "plan/run/interpreter.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <span>
#include <utility>

#include "plan/ir/declined.hpp"
#include "plan/run/by_kernel.hpp"

namespace tvm::plan {
namespace {

// An index within 0 .. upper. Cut at a position, it will move with it.
inline std::int64_t within(std::int64_t at, std::int64_t upper, bool& cut) {
  cut |= at > upper;
  return std::clamp<std::int64_t>(at, 0, upper);
}

// `found`, by way of a guess: the block that followed first. Where they are the same (nearly always), the
// position that comes next depends on the guess, which is there early, and on a branch that the processor
// predicts. It would otherwise wait for the prediction of this position, which came through the table, a
// chain of loads from one position to the next. The empty asm hides from the compiler that the guess equals
// `found`, and stands before the comparison: behind it, Clang would give it `found`. Measured with bench_plan
// on the whole Sudoku trace (GCC 12, AMD EPYC): 46 million tokens/s are generated with the guess and 34
// without. GCC 12 keeps the guess without the asm as well (46); the asm is for other compilers.
inline Block* guessed(Link& usual, Block* found) {
  Block* const guess = usual.load(std::memory_order_relaxed);
  Block* hidden = guess;
  asm volatile("" : "+r"(hidden));
  if (guess == found) [[likely]]
    return hidden;
  if (guess == nullptr) usual.store(found, std::memory_order_relaxed);
  return found;
}

// Positions that a kernel must run to be worth entering while reading, and the most that are read before it
// is tried again: of a prompt nobody predicts the tokens.
constexpr std::size_t kWorthEntering = 16, kLongestWait = 1024;

}  // namespace

Interpreter::Interpreter(const Subject& subject, std::shared_ptr<BlockVersions> versions,
                         std::shared_ptr<const kernel::Loaded> kernel)
    : subject_(subject),
      versions_(std::move(versions)),
      context_(versions_->start()),
      memory_(std::make_unique<std::uint64_t[]>(
          (sizeof(kernel::State) + subject.network.stores.size() * sizeof(kernel::Store)) /
              sizeof(std::uint64_t) +
          subject.network.nodes.size() + subject.network.features.size())),
      state_(*new (memory_.get()) kernel::State{}),
      store_views_(kernel::stores_of(&state_), subject.network.stores.size()),
      registers_(kernel::registers_of(&state_, store_views_.size()), subject.network.nodes.size()),
      features_(registers_.data() + registers_.size(), subject.network.features.size()),
      layouts_(subject.layouts),
      histories_(subject.network.histories.size()) {
  for (std::size_t s = 0; s < layouts_.size(); ++s)
    stores_.push_back(std::make_unique<kernel::PagedStore>(store_views_[s], layouts_[s].row_bytes));
  registers_[kOneNode] = 1;
  state_.held = UINT64_MAX;
  if (kernel == nullptr) return;
  kernel_ = std::move(kernel);
  state_.owner = this;
  state_.find = [](kernel::State* state, std::uint32_t store, std::int64_t key) {
    kernel::PagedStore& records = *static_cast<Interpreter*>(state->owner)->stores_[store];
    try {
      records.widen(key);
    } catch (const std::bad_alloc&) {  // it is as narrow as it was
    }
    return records.find(key);
  };
  state_.place = [](kernel::State* state, std::uint32_t store, std::int64_t key) -> unsigned char* {
    try {
      kernel::PagedStore& records = *static_cast<Interpreter*>(state->owner)->stores_[store];
      records.widen(key);
      return records.place(key);
    } catch (const std::bad_alloc&) {
      return nullptr;  // the interpreter finds that again, and says so
    }
  };
  state_.predict = [](kernel::State* state) -> std::int32_t {
    try {
      return static_cast<Interpreter*>(state->owner)->output_of_features();
    } catch (const std::bad_alloc&) {
      return -1;
    }
  };
}

Interpreter::~Interpreter() {
  if (output_ != nullptr) versions_->outputs().give(std::move(output_));
}

template <class Make>
Block* Interpreter::made(Make&& make) const {
  try {
    return make();
  } catch (const Declined& declined) {
    off_plan(declined.why.c_str());
  }
}

// The case that the registers are in, or one beyond the last.
inline std::size_t Interpreter::case_of(const Selector& selector, const kernel::Token* tokens) const {
  switch (selector.by) {
    case Selector::By::kTokenAt:
      return selector.case_of[static_cast<std::size_t>(tokens[registers_[selector.at]])];
    case Selector::By::kFunction: {
      const std::int64_t at = registers_[selector.at];
      const std::uint64_t index = static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(selector.low);
      return selector
          .case_of[at < selector.low ? 0 : std::min<std::uint64_t>(index, selector.case_of.size() - 1)];
    }
    case Selector::By::kValue: break;
  }
  // Modulo 2^64: what is below the first case is beyond the last, too.
  const auto beyond_low =
      static_cast<std::uint64_t>(registers_[selector.nodes[0]]) - static_cast<std::uint64_t>(selector.low);
  return std::min<std::uint64_t>(beyond_low, selector.cases());
}

inline Block* Interpreter::branch(Block& block, const kernel::Token* tokens) const {
  std::size_t index = 0, radix = 1;
  std::uint32_t far = block.tape.ops.back().part;
  for (const auto s : block.tape.branches) {
    const Selector& selector = subject_.division.selectors[s];
    if (far & 1) far_read(registers_[selector.at]);
    far >>= 1;
    index += radix * case_of(selector, tokens);
    radix *= selector.values.size() + 1;
  }
  Block* next = block.targets[index].load(std::memory_order_acquire);
  return next != nullptr ? next : made([&] { return versions_->target(block, index); });
}

inline std::int64_t Interpreter::token_sum(const Tape& tape, const Op& op, const kernel::Token* tokens,
                                           bool& cut) const {
  const std::int64_t base = op.value.weight * registers_[op.value.node], upper = registers_[op.at];
  const std::span<const Near> near(tape.nears.data() + op.value.first, op.value.more);
  std::int64_t sum = 0;
  if (op.part != 0)
    for (const Near& one : near) far_read(within(base + one.offset, upper, cut));
  if (base + near.front().offset >= 0 && base + near.back().offset <= upper) {
    for (const Near& one : near) sum += one.weight * op.tokens[tokens[base + one.offset]];
    return sum;
  }
  for (const Near& one : near) sum += one.weight * op.tokens[tokens[within(base + one.offset, upper, cut)]];
  return sum;
}

// The block that predicts at this position, if the kernel may have it. It compares tokens before `end`.
inline Block* Interpreter::predicting_block(std::uint32_t token_class, std::size_t position,
                                            std::size_t end) const {
  if (position + 1 >= end) return nullptr;
  Block* block = context_->next[1][token_class].load(std::memory_order_acquire);
  if (block != nullptr || kernel_->book().step(context_->kernel, token_class, true) == kernel::kUnknown)
    return block;
  return made([&] { return versions_->step(*context_, token_class, true); });
}

// Operators are jumped to from the end of the one before (labels as values, an extension that GCC and
// Clang share): the processor then predicts each jump by where it is made from.
#define TVM_NEXT goto* labels[static_cast<std::size_t>((++op)->code)]

template <Interpreter::Mode mode, class Tokens>
std::int32_t Interpreter::run(Tokens* tokens, std::size_t end, std::int32_t stop, std::int32_t* predicted,
                              std::size_t spare) {
  static const void* const labels[] = {
#define TVM_LABEL(code, label, words) &&label,
      TVM_TAPE_OPERATORS(TVM_LABEL)
#undef TVM_LABEL
  };
  constexpr bool predicting = mode != Mode::kRead;
  const Network& net = subject_.network;
  const std::uint32_t* token_class = subject_.division.token_class.data();
  std::int64_t* const r = registers_.data();
  std::int32_t next = -1;
  // The next step is found beside the predicted token, not by way of it.
  Block* following = nullptr;
  Link* link = nullptr;
  std::size_t position = position_;
  bool cut = false;
  bool left = false;      // the kernel has left `following` to us
  std::size_t wait = 0;   // reading: positions before the kernel is tried again
  std::size_t waits = 1;  // the next such number
  while (position + predicting < end) {
    const auto here = static_cast<std::size_t>(tokens[position]);
    r[kPositionNode] = static_cast<std::int64_t>(position);
    kernel::Run enter = nullptr;
    if (stands_ != kernel::kUnknown) [[unlikely]] {
      if (predicting || wait == 0) enter = entry_where_it_stands<mode>(token_class[here], end);
      if (enter == nullptr) {
        following = take_over<mode>(tokens);
        left = following != nullptr;
      }
    }
    Block* block = following;
    if (block == nullptr && enter == nullptr) {
      block = context_->next[predicting][token_class[here]].load(std::memory_order_acquire);
      if (block == nullptr)
        block = made([&] { return versions_->step(*context_, token_class[here], predicting); });
      if (link != nullptr) link->store(block, std::memory_order_release);
    }
    following = nullptr;
    link = nullptr;
    if (enter == nullptr && kernel_ != nullptr && !left &&
        position >= static_cast<std::size_t>(kernel::kFirstEntered) && (predicting || wait == 0)) {
      enter = entry_of<mode>(*block);
      if constexpr (!predicting)
        if (enter == nullptr) {
          const Block* known = predicting_block(token_class[here], position, end);
          if (known != nullptr) enter = entry_of<mode>(*known);
        }
    }
    if (enter != nullptr) {
      following = run_kernel<mode>(enter, tokens, end, spare);
      left = following != nullptr;
      if constexpr (mode == Mode::kPredict)
        predicted = std::copy(tokens + position + 1, tokens + position_ + 1, predicted);
      if constexpr (!predicting) {
        const bool worth_it = position_ - position >= kWorthEntering;
        waits = worth_it ? 1 : std::min(2 * waits, kLongestWait);
        wait = worth_it && stands_ != kernel::kUnknown ? 0 : waits;
      }
      position = position_;
      if constexpr (mode == Mode::kGenerate)
        if (tokens[position] == stop && state_.left == kernel::Left::kAfter) return stop;
      if constexpr (mode == Mode::kVerify)
        if (state_.found >= 0) return state_.found;
      if constexpr (mode == Mode::kPredict)
        if (state_.found >= 0) predicted[-1] = state_.found;
      if constexpr (predicting) next = tokens[position];
      continue;
    }
    if constexpr (!predicting) wait -= wait > 0;
    left = false;
    Tape* tape = &block->tape;
    const Op* op = tape->ops.data() - 1;
    TVM_NEXT;
  check:
    check(*tape, op->value);
    TVM_NEXT;
  token:
    r[op->to] = op->tokens[here];
    TVM_NEXT;
  linear:
    r[op->to] = value(*tape, op->value);
    TVM_NEXT;
  index:
    r[op->to] = within(value(*tape, op->value), r[op->at], cut);
    TVM_NEXT;
  token_at:
    if (op->part != 0) far_read(r[op->at]);
    r[op->to] = op->tokens[tokens[r[op->at]]];
    TVM_NEXT;
  token_near:
    {
      const std::int64_t at = within(value(*tape, op->value), r[op->at], cut);
      if (op->part != 0) far_read(at);
      r[op->to] = op->tokens[tokens[at]];
    }
    TVM_NEXT;
  token_sum:
    r[op->to] = token_sum(*tape, *op, tokens, cut);
    TVM_NEXT;
  history_at:
    r[op->to] = histories_[op->table][static_cast<std::size_t>(r[op->at])];
    TVM_NEXT;
  sum:
    sum(*tape, *op, tokens[position]);
    TVM_NEXT;
  add_to_sum:
    {
      std::int64_t total = 0;
      const Interval& bound = net.intervals[op->to];
      if (__builtin_add_overflow(r[op->to], value(*tape, op->value), &total) || total > bound.high ||
          total < bound.low)
        beyond("a running sum leaves what is certified: 2^31 of its steps, or 2^53");
      r[op->to] = total;
      TVM_NEXT;
    }
  lookup:
    if (stores_[op->table]->empty()) off_plan("a lookup finds every key cleared");
    r[op->to] = reinterpret_cast<std::intptr_t>(stores_[op->table]->nearest(value(*tape, op->value)));
    TVM_NEXT;
  found:
    r[op->to] = layouts_[op->table].columns[op->part].read(
        reinterpret_cast<const unsigned char*>(static_cast<std::intptr_t>(r[op->at])));
    TVM_NEXT;
  match:
    {
      const kernel::PagedStore& store = *stores_[op->table];
      if (store.empty()) off_plan("a lookup finds every key cleared");
      const unsigned char* row = store.find(value(*tape, op->value));
      r[op->to] = kernel::now_of(row) < 0 ? 0 : layouts_[op->table].columns[op->part].read(row);
      TVM_NEXT;
    }
  batch:
    batch(*tape, tape->batches[op->part]);
    TVM_NEXT;
  product:
    {
      const std::int64_t open = value(*tape, tape->gates[op->part]);
      r[op->to] = open <= 0 ? 0 : product(*tape, open, op->value);
    }
    TVM_NEXT;
  step:
    r[op->to] = value(*tape, tape->gates[op->part]) < 1 ? 0 : value(*tape, op->value);
    TVM_NEXT;
  equal:
    r[op->to] = value(*tape, tape->gates[op->part]) != 0 ? 0 : value(*tape, op->value);
    TVM_NEXT;
  function:
    if (!net.functions[op->table].at(value(*tape, op->value), r[op->to]))
      beyond("a function of an integer does not fit 64 bits");
    TVM_NEXT;
  insert:
    insert(*tape, *op);
    TVM_NEXT;
  history:
    histories_[op->table].push_back(value(*tape, op->value));
    TVM_NEXT;
  branch:
    block = branch(*block, tokens);
    tape = &block->tape;
    op = tape->ops.data() - 1;
    TVM_NEXT;
  recall:
    {
      Prediction& entry = block->predictions[static_cast<std::size_t>(value(*tape, op->value))];
      next = entry.token.load(std::memory_order_relaxed) - 1;
      link = &entry.following;
      following = guessed(block->usual, link->load(std::memory_order_acquire));
      if (next < 0) TVM_NEXT;
      goto end;
    }
  predict:
    next = output(*tape);
    if (!block->predictions.empty())
      block->predictions[static_cast<std::size_t>(value(*tape, op->value))].token.store(
          next + 1, std::memory_order_relaxed);
  end:
    // A cut index is not what it was one position on: nothing may be taken over.
    context_ = block->after;
    if (cut) {
      context_ = versions_->nothing_known();
      following = nullptr, link = nullptr;
      cut = false;
    }
    position_ = ++position;
    if constexpr (mode == Mode::kGenerate) {
      tokens[position] = static_cast<kernel::Token>(next);
      if (next == stop) break;
    }
    if constexpr (mode == Mode::kVerify)
      if (next != tokens[position]) break;
    if constexpr (mode == Mode::kPredict) {
      *predicted++ = next;
      if (next != tokens[position]) following = nullptr, link = nullptr;
    }
  }
  return next;
}
#undef TVM_NEXT

void Interpreter::read(const kernel::Token* tokens, std::size_t end) {
  run<Mode::kRead>(tokens, end, -1, nullptr);
}

void Interpreter::generate(kernel::Token* tokens, std::size_t end, std::int32_t stop, std::size_t spare) {
  run<Mode::kGenerate>(tokens, end, stop, nullptr, spare);
}

std::size_t Interpreter::verify(const kernel::Token* tokens, std::size_t end, std::int32_t& found) {
  const std::size_t begin = position_ + 1;
  const std::int32_t next = run<Mode::kVerify>(tokens, end, -1, nullptr);
  if (begin >= end || next == tokens[position_]) return end;
  found = next;
  return position_;
}

void Interpreter::predict(const kernel::Token* tokens, std::size_t end, std::int32_t* predicted) {
  run<Mode::kPredict>(tokens, end, -1, predicted);
}

}  // namespace tvm::plan
