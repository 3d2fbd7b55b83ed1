#include "plan/kernel/predictions.hpp"

#include <algorithm>

namespace tvm::plan {

std::vector<std::int32_t> Predictions::table_of(const Tape& tape) {
  std::vector<std::int32_t> table(tape.entries, kMissing);
  const auto recall =
      std::find_if(tape.ops.begin(), tape.ops.end(), [](const Op& op) { return op.code == Code::kRecall; });
  // A table without digits has one entry, which needs no register.
  if (recall == tape.ops.end() || (tape.digits.empty() && tape.entries != 1)) return table;
  if (!choose_ops(tape, recall)) return table;
  registers_[kOneNode] = 1;
  for (std::size_t index = 0; index < table.size(); ++index) {
    std::size_t rest = index;
    for (const Digit& digit : tape.digits) {
      const auto size = static_cast<std::size_t>(digit.size);
      registers_[digit.node] = digit.low + static_cast<std::int64_t>(rest % size);
      rest /= size;
    }
    table[index] = entry(tape);
  }
  return table;
}

// What an entry takes: the ops behind the table, and of those before it the ones that digits decide, as an op
// behind it may read them. False where an op reads something else.
bool Predictions::choose_ops(const Tape& tape, std::vector<Op>::const_iterator recall) {
  std::vector<bool> known(registers_.size());
  known[kOneNode] = true;
  for (const Digit& digit : tape.digits) known[digit.node] = true;
  const auto is_known = [&](const Linear& linear) {
    const auto terms = tape.terms.begin() + linear.first;
    return (linear.weight == 0 || known[linear.node]) &&
           std::all_of(terms, terms + linear.more, [&](const Term& term) { return known[term.node]; });
  };
  const auto is_decided = [&](const Op& op) {
    switch (op.code) {
      case Code::kCheck:
      case Code::kLinear:
      case Code::kFunction: return is_known(op.value);
      case Code::kProduct:
      case Code::kStep:
      case Code::kEqual: return is_known(op.value) && is_known(tape.gates[op.part]);
      default: return false;
    }
  };
  ops_.clear();
  for (auto op = tape.ops.begin(); op != recall; ++op) {
    if (op->code == Code::kCheck || known[op->to] || !is_decided(*op)) continue;
    ops_.push_back(&*op);
    known[op->to] = true;
  }
  for (auto op = recall + 1; op != tape.ops.end(); ++op) {
    ops_.push_back(&*op);
    if (op->code == Code::kPredict) return std::all_of(tape.features.begin(), tape.features.end(), is_known);
    if (!is_decided(*op)) return false;
    known[op->to] = true;
  }
  return false;
}

std::int32_t Predictions::entry(const Tape& tape) {
  for (const Op* op : ops_) {
    if (op->code != Code::kPredict) {
      if (!compute(tape, *op)) return kMissing;
      continue;
    }
    std::vector<std::int64_t> features(tape.features.size());
    for (std::size_t f = 0; f < features.size(); ++f)
      if (!value(tape, tape.features[f], features[f])) return kMissing;
    return std::max(output_.token(features), kMissing);
  }
  return kMissing;
}

// False where the interpreter would stop, or where the operator looks at more than registers.
bool Predictions::compute(const Tape& tape, const Op& op) {
  std::int64_t given = 0, gate = 0;
  if (op.code == Code::kBatch) return false;  // no table has been seen that needs one
  if (!value(tape, op.value, given)) return false;
  switch (op.code) {
    case Code::kCheck: return true;
    case Code::kLinear: registers_[op.to] = given; return true;
    case Code::kFunction: return network_.functions[op.table].at(given, registers_[op.to]);
    case Code::kProduct:
    case Code::kStep:
    case Code::kEqual: break;
    default: return false;
  }
  if (!value(tape, tape.gates[op.part], gate)) return false;
  std::int64_t& to = registers_[op.to];
  if (op.code == Code::kProduct) return !__builtin_mul_overflow(std::max<std::int64_t>(gate, 0), given, &to);
  to = (op.code == Code::kStep ? gate >= 1 : gate == 0) ? given : 0;
  return true;
}

bool Predictions::value(const Tape& tape, const Linear& linear, std::int64_t& result) const {
  Wide sum = linear.constant + Wide{linear.weight} * registers_[linear.node];
  for (std::uint32_t i = 0; i < linear.more; ++i) {
    const Term& term = tape.terms[linear.first + i];
    if (__builtin_add_overflow(sum, Wide{term.weight} * registers_[term.node], &sum)) return false;
  }
  result = static_cast<std::int64_t>(sum);
  return sum == result;
}

}  // namespace tvm::plan
