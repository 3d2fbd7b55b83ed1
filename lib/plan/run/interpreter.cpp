#include "plan/run/interpreter.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace tvm::plan {
namespace {

// An index within 0 .. upper. Cut at a position, it will move with it.
inline std::int64_t within(std::int64_t at, std::int64_t upper, bool& cut) {
  cut |= at > upper;
  return std::clamp<std::int64_t>(at, 0, upper);
}

// `found`, by way of a guess: where they are the same, what is computed next depends on the guess, which is
// there early, and a branch that the processor predicts. Otherwise every position would wait for the one
// before.
inline Segment* guessed(Link& usual, Segment* found) {
  Segment* guess = usual.load(std::memory_order_relaxed);
  if (guess == found) [[likely]] {
    asm("" : "+r"(guess));  // no more known to be `found`
    return guess;
  }
  if (guess == nullptr) usual.store(found, std::memory_order_relaxed);
  return found;
}

}  // namespace

Sequence::Sequence(const Plan& plan, std::shared_ptr<Automaton> automaton)
    : plan_(plan),
      automaton_(std::move(automaton)),
      state_(automaton_->start()),
      output_(plan.network),
      registers_(plan.network.nodes.size(), 0),
      gates_(plan.network.nodes.size()),
      sums_(plan.network.nodes.size()),
      fixed_(plan.network.stores.size()),
      histories_(plan.network.histories.size()),
      features_(plan.network.features.size()) {
  for (const Store& store : plan.network.stores) stores_.emplace_back(store.columns.size());
  registers_[kOneNode] = 1;
}

template <class Make>
Segment* Sequence::made(Make&& make) const {
  try {
    return make();
  } catch (const Declined& declined) {
    off_plan(declined.why.c_str());
  }
}

// The case that the registers are in, or one beyond the last.
inline std::size_t Sequence::case_of(const Selector& selector, const std::int32_t* tokens) const {
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

inline Segment* Sequence::branch(Segment& segment, const std::int32_t* tokens) const {
  std::size_t index = 0, radix = 1;
  for (const auto s : segment.tape.branches) {
    const Selector& selector = plan_.split.selectors[s];
    index += radix * case_of(selector, tokens);
    radix *= selector.values.size() + 1;
  }
  Segment* next = segment.targets[index].load(std::memory_order_acquire);
  return next != nullptr ? next : made([&] { return automaton_->target(segment, index); });
}

inline std::int64_t Sequence::token_sum(const Tape& tape, const Op& op, const std::int32_t* tokens,
                                        bool& cut) const {
  const std::int64_t base = op.value.weight * registers_[op.value.node], upper = registers_[op.at];
  const std::span<const Near> near(tape.nears.data() + op.value.first, op.value.more);
  std::int64_t sum = 0;
  if (base + near.front().offset >= 0 && base + near.back().offset <= upper) {
    for (const Near& one : near) sum += one.weight * op.tokens[tokens[base + one.offset]];
    return sum;
  }
  for (const Near& one : near) sum += one.weight * op.tokens[tokens[within(base + one.offset, upper, cut)]];
  return sum;
}

// Operators are jumped to from the end of the one before (labels as values, an extension that GCC and
// Clang share): the processor then predicts each jump by where it is made from.
#define TVM_NEXT goto* labels[static_cast<std::size_t>((++op)->code)]

template <Sequence::Mode mode, class Tokens>
std::int32_t Sequence::run(Tokens* tokens, std::size_t end, std::int32_t stop, std::int32_t* predicted) {
  static const void* const labels[] = {
      &&check, &&token,      &&linear, &&index,   &&token_at, &&token_near, &&token_sum, &&history_at,
      &&sum,   &&add_to_sum, &&lookup, &&found,   &&match,    &&batch,      &&product,   &&step,
      &&equal, &&function,   &&insert, &&history, &&branch,   &&recall,     &&predict,   &&end};
  static_assert(std::size(labels) == static_cast<std::size_t>(Code::kEnd) + 1);
  constexpr bool predicting = mode != Mode::kRead;
  const Network& net = plan_.network;
  const std::uint32_t* token_class = plan_.split.token_class.data();
  std::int64_t* const r = registers_.data();
  std::int32_t next = -1;
  // The next step is found beside the predicted token, not by way of it.
  Segment* following = nullptr;
  Link* link = nullptr;
  std::size_t position = position_;
  bool cut = false;
  while (position + predicting < end) {
    const auto here = static_cast<std::size_t>(tokens[position]);
    r[kPositionNode] = static_cast<std::int64_t>(position);
    Segment* segment = following;
    if (segment == nullptr) {
      segment = state_->next[predicting][token_class[here]].load(std::memory_order_acquire);
      if (segment == nullptr)
        segment = made([&] { return automaton_->step(*state_, token_class[here], predicting); });
      if (link != nullptr) link->store(segment, std::memory_order_release);
    }
    following = nullptr;
    link = nullptr;
    Tape* tape = &segment->tape;
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
    r[op->to] = op->tokens[tokens[r[op->at]]];
    TVM_NEXT;
  token_near:
    r[op->to] = op->tokens[tokens[within(value(*tape, op->value), r[op->at], cut)]];
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
      if (__builtin_add_overflow(r[op->to], value(*tape, op->value), &total) || total > kSumBound ||
          total < -kSumBound)
        beyond("a running sum leaves what is exact (2^53)");
      r[op->to] = total;
      TVM_NEXT;
    }
  lookup:
    if (stores_[op->table].empty()) off_plan("a lookup finds every key cleared");
    r[op->to] = static_cast<std::int64_t>(stores_[op->table].nearest(value(*tape, op->value)));
    TVM_NEXT;
  found:
    r[op->to] = stores_[op->table].row(static_cast<std::size_t>(r[op->at]))[op->part];
    TVM_NEXT;
  match:
    {
      const RecordStore& store = stores_[op->table];
      if (store.empty()) off_plan("a lookup finds every key cleared");
      const std::int64_t* row = store.get(value(*tape, op->value));
      r[op->to] = row == nullptr ? 0 : row[op->part];
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
    if (!net.functions[op->table].at(r[op->at], r[op->to]))
      beyond("a function of an integer does not fit 64 bits");
    TVM_NEXT;
  insert:
    insert(*tape, *op);
    TVM_NEXT;
  history:
    histories_[op->table].push_back(value(*tape, op->value));
    TVM_NEXT;
  branch:
    segment = branch(*segment, tokens);
    tape = &segment->tape;
    op = tape->ops.data() - 1;
    TVM_NEXT;
  recall:
    {
      Prediction& entry = tape->predictions[static_cast<std::size_t>(value(*tape, op->value))];
      next = entry.token.load(std::memory_order_relaxed) - 1;
      link = &entry.following;
      following = guessed(segment->usual, link->load(std::memory_order_acquire));
      if (next < 0) TVM_NEXT;
      goto end;
    }
  predict:
    next = output(*tape);
    if (!tape->predictions.empty())
      tape->predictions[static_cast<std::size_t>(value(*tape, op->value))].token.store(
          next + 1, std::memory_order_relaxed);
  end:
    // A cut index is not what it was one position on: nothing may be taken over.
    state_ = segment->after;
    if (cut) {
      state_ = automaton_->nothing_known();
      following = nullptr, link = nullptr;
      cut = false;
    }
    position_ = ++position;
    if constexpr (mode == Mode::kGenerate) {
      tokens[position] = next;
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

void Sequence::read(const std::int32_t* tokens, std::size_t end) {
  run<Mode::kRead>(tokens, end, -1, nullptr);
}

void Sequence::generate(std::int32_t* tokens, std::size_t end, std::int32_t stop) {
  run<Mode::kGenerate>(tokens, end, stop, nullptr);
}

std::size_t Sequence::verify(const std::int32_t* tokens, std::size_t end, std::int32_t& found) {
  const std::size_t begin = position_ + 1;
  const std::int32_t next = run<Mode::kVerify>(tokens, end, -1, nullptr);
  if (begin >= end || next == tokens[position_]) return end;
  found = next;
  return position_;
}

void Sequence::predict(const std::int32_t* tokens, std::size_t end, std::int32_t* predicted) {
  run<Mode::kPredict>(tokens, end, -1, predicted);
}

}  // namespace tvm::plan
