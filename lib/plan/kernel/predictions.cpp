#include "plan/kernel/predictions.hpp"

#include <algorithm>

namespace tvm::plan {

std::vector<std::int32_t> Predictions::table_of(const Tape& tape) {
  std::vector<std::int32_t> table(tape.entries, kMissing);
  const auto recall =
      std::find_if(tape.ops.begin(), tape.ops.end(), [](const Op& op) { return op.code == Code::kRecall; });
  // A table without digits has one entry, which needs no register.
  if (recall == tape.ops.end() || (tape.digits.empty() && tape.entries != 1)) return table;
  const auto late = static_cast<std::size_t>(recall - tape.ops.begin()) + 1;
  std::fill(registers_.begin(), registers_.end(), 0);
  registers_[kOneNode] = 1;
  for (std::size_t index = 0; index < table.size(); ++index) {
    std::size_t rest = index;
    for (const Digit& digit : tape.digits) {
      const auto size = static_cast<std::size_t>(digit.size);
      registers_[digit.node] = digit.low + static_cast<std::int64_t>(rest % size);
      rest /= size;
    }
    table[index] = entry(tape, late);
  }
  return table;
}

// Runs the ops behind the table, which read nothing but the digits and each other.
std::int32_t Predictions::entry(const Tape& tape, std::size_t first) {
  for (std::size_t i = first; i < tape.ops.size(); ++i) {
    const Op& op = tape.ops[i];
    if (op.code != Code::kPredict) {
      if (!compute(tape, op)) return kMissing;
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
