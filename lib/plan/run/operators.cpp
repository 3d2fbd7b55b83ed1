// Operators of tapes that are more than an expression or two, and the errors that end a run.
//
// Enters: registers, stores and the operator's parts.  Leaves: the same, changed.
#include <algorithm>

#include "base/error.hpp"
#include "plan/run/interpreter.hpp"
#include "plan/run/left_plan.hpp"

namespace tvm::plan {

void Interpreter::beyond(const char* what) const {
  throw Error(Status::kLimit, sentence("position ", position_, ": ", what));
}

void Interpreter::off_plan(const char* what) const {
  throw LeftPlan(sentence("path plan: position ", position_, ": ", what, "; use path layers"));
}

void Interpreter::check(const Tape& tape, const Linear& linear) const {
  // Mostly no part of the sum leaves 64 bits either.
  std::int64_t part = 0, total = linear.constant;
  bool left = __builtin_mul_overflow(linear.weight, registers_[linear.node], &part) ||
              __builtin_add_overflow(total, part, &total);
  for (std::uint32_t i = 0; i < linear.more && !left; ++i) {
    const Term& term = tape.terms[linear.first + i];
    left = __builtin_mul_overflow(term.weight, registers_[term.node], &part) ||
           __builtin_add_overflow(total, part, &total);
  }
  if (!left) return;
  const Wide sum = wide(tape, linear);
  if (sum < INT64_MIN || sum > INT64_MAX) beyond("a value does not fit 64 bits: the exact integers end here");
}

Wide Interpreter::wide(const Tape& tape, const Linear& linear) const {
  Wide sum = linear.constant + Wide{linear.weight} * registers_[linear.node];
  for (std::uint32_t i = 0; i < linear.more; ++i) {
    const Term& term = tape.terms[linear.first + i];
    if (__builtin_add_overflow(sum, Wide{term.weight} * registers_[term.node], &sum))
      beyond("a sum does not fit 128 bits: the exact integers end here");
  }
  return sum;
}

void Interpreter::check_square(const Tape& tape, const Insert& how, std::int64_t key) const {
  Wide square = wide(tape, how.rest);
  bool left = false;
  for (const auto& product : how.products) {
    Wide part = 0;
    const Wide gate = wide(tape, product.gate);
    if (gate <= 0) continue;
    left |= __builtin_mul_overflow(gate, wide(tape, product.value), &part);
    left |= __builtin_mul_overflow(part, Wide{product.weight}, &part);
    left |= __builtin_add_overflow(square, part, &square);
  }
  if (left || square != Wide{key} * key) off_plan("a lookup key and its square disagree");
}

void Interpreter::insert(const Tape& tape, const Op& op) {
  const Insert& how = tape.inserts[op.part];
  if (!how.always) {
    const std::int64_t clear = value(tape, how.clear);
    if (clear > 0) return;
    if (clear < 0) off_plan("a clear is negative");  // it would outdo every other
  }
  const std::int64_t key = value(tape, how.key);
  if (how.proof == SquareProof::How::kSign) {
    if (how.sign > 0 ? key < 0 : key > 0) off_plan("a lookup key and its square disagree");
  } else if (how.proof == SquareProof::How::kCompute) {
    check_square(tape, how, key);
  }
  unsigned char* const row = stores_[op.table]->place(key);
  kernel::PagedStore::stamp(row, registers_[kPositionNode]);
  const kernel::Column* column = layouts_[op.table].columns.data();
  for (const Linear& written : how.columns) (column++)->write(row, value(tape, written));
}

std::int64_t Interpreter::product(const Tape& tape, std::int64_t open, const Linear& factor) const {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(open, value(tape, factor), &result))
    beyond("a product does not fit 64 bits: the exact integers end here");
  return result;
}

void Interpreter::batch(const Tape& tape, const Batch& batch) {
  gates_.resize(std::max(gates_.size(), batch.constants.size()));
  double* const gates = gates_.data();
  std::copy(batch.constants.begin(), batch.constants.end(), gates);
  for (const Batch::Column& column : batch.columns) {
    const auto factor = static_cast<double>(registers_[column.from]);
    const double* const weights = column.weights.data();
    double* const to = gates + column.begin;
    const std::size_t count = column.weights.size();
    for (std::size_t i = 0; i < count; ++i) to[i] += weights[i] * factor;
  }
  for (const NodeId to : batch.to) registers_[to] = 0;
  for (std::size_t i = 0; i < batch.ops.size(); ++i) {
    if (gates[i] < 1) continue;
    const Op& op = batch.ops[i];
    registers_[op.to] = op.code == Code::kStep ? value(tape, op.value)
                                               : product(tape, static_cast<std::int64_t>(gates[i]), op.value);
  }
}

void Interpreter::sum(const Tape& tape, const Op& op, std::int32_t token) {
  if (sums_.empty()) sums_.resize(registers_.size());
  Sum& sum = sums_[op.to];
  const Mean& mean = subject_.network.means[op.table];
  const std::int64_t key = subject_.network.tables[mean.key][static_cast<std::size_t>(token)];
  if (sum.count == 0 || key > sum.key) sum = {0, 0, key};
  if (key == sum.key) {
    ++sum.count;
    if (__builtin_add_overflow(sum.total, value(tape, op.value), &sum.total))
      beyond("a running sum does not fit 64 bits");
  }
  const std::int64_t gate = std::max<std::int64_t>(0, value(tape, tape.gates[op.part]));
  const Wide scaled = Wide{sum.total} * gate;
  if (scaled % sum.count != 0) off_plan("a mean times its gate is no integer");
  const Wide result = scaled / sum.count;
  if (result > kSumBound || result < -kSumBound) beyond("a running sum leaves what is exact (2^53)");
  registers_[op.to] = static_cast<std::int64_t>(result);
}

std::int32_t Interpreter::output_of_features() {
  if (output_ == nullptr) output_ = versions_->outputs().take();
  return output_->token(features_);
}

std::int32_t Interpreter::output(const Tape& tape) {
  for (std::size_t f = 0; f < features_.size(); ++f) features_[f] = value(tape, tape.features[f]);
  const std::int32_t token = output_of_features();
  if (token < 0) beyond("a score does not fit 128 bits: the exact integers end here");
  return token;
}

}  // namespace tvm::plan
