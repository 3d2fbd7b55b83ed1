// How the interpreter enters a kernel and comes back. Part of interpreter.cpp.
//
// Enters: a block that the kernel has.  Leaves: registers, sums and stores at a later position, and the block
// that the interpreter is to run there, which may be in the middle of the position.
#pragma once

#include "kernel/load.hpp"
#include "plan/run/interpreter.hpp"

namespace tvm::plan {

// Reading, and predicting what is not asked to be right, follow the tokens that are there: so does the kernel
// while it verifies them.
template <Interpreter::Mode mode>
kernel::Run Interpreter::entry_of(const Block& block) const {
  return entry_of<mode>(block.kernel.load(std::memory_order_relaxed));
}
template <Interpreter::Mode mode>
kernel::Run Interpreter::entry_of(std::uint32_t number) const {
  if (number == kernel::kUnknown) return nullptr;
  const kernel::Kernel& all = kernel_->kernel();
  return (mode == Mode::kGenerate ? all.generate : all.verify)[number];
}

// Where the kernel goes on that has stopped at its block stands_. No block of the interpreter is made for
// that: one takes as long as thousands of positions, and all that lead to it are made as well. The kernel
// compares tokens before `end`.
template <Interpreter::Mode mode>
kernel::Run Interpreter::entry_where_it_stands(std::uint32_t token_class, std::size_t end) const {
  if (state_.left == kernel::Left::kAtBranch) return nullptr;
  if (state_.left == kernel::Left::kBefore) return mode == Mode::kRead ? nullptr : entry_of<mode>(stands_);
  const kernel::RecipeBook& book = kernel_->book();
  const auto entry = [&](bool predict) {
    return entry_of<mode>(book.step(book[stands_].after, token_class, predict));
  };
  if constexpr (mode != Mode::kRead) return entry(true);
  if (const kernel::Run read = entry(false)) return read;
  return position_ + 1 < end ? entry(true) : nullptr;
}

// The interpreter goes on there: the block to be run, or null for that which follows in context_.
template <Interpreter::Mode mode>
Block* Interpreter::take_over(const kernel::Token* tokens) {
  Block* const block = made([&] { return versions_->of_kernel(stands_); });
  stands_ = kernel::kUnknown;
  switch (state_.left) {
    case kernel::Left::kAfter: context_ = block->after; return nullptr;
    case kernel::Left::kAtBranch: return at_branch<mode>(*block, tokens);
    case kernel::Left::kBefore: break;
  }
  if (block->rest) return after_branch<mode>(*block);
  context_ = block->from;
  return mode == Mode::kRead ? nullptr : block;
}

// How far from position_ on, up to `end`, no running sum can leave its interval: kernels do not look.
inline std::size_t Interpreter::within_sums(std::size_t end) const {
  const auto cut = [&](Wide room, Wide step) {
    if (step * static_cast<Wide>(end - position_) > room)
      end = position_ + static_cast<std::size_t>(room / step);
  };
  for (const BoundedSum& sum : subject_.sums) {
    const std::int64_t at = registers_[sum.node];
    cut(sum.all.high - at, sum.step.high);
    cut(at - sum.all.low, -sum.step.low);
  }
  return end;
}

// The block to be run by the interpreter at position_, or null: that which follows in context_, or the run
// may go on where the kernel stands. The mismatch that it found, if one, is in state_.found.
template <Interpreter::Mode mode>
Block* Interpreter::run_kernel(kernel::Run run, const kernel::Token* tokens, std::size_t end,
                               std::size_t spare) {
  std::int64_t* const r = registers_.data();
  const std::uint32_t* sums = kernel_->kernel().sums;
  const auto sum = [&](int i) { return sums[i] < registers_.size() ? r[sums[i]] : 0; };
  state_.found = -1;
  stands_ = kernel::kUnknown;
  // A kernel that verifies writes no token.
  run(&state_, const_cast<kernel::Token*>(tokens), static_cast<std::int64_t>(position_),
      static_cast<std::int64_t>(within_sums(end + spare)) - 1, sum(0), sum(1));
  covered_ += state_.position - position_;
  position_ = state_.position;
  stands_ = state_.block;
  const bool is_end = position_ + (mode == Mode::kRead ? 0 : 1) >= end;
  return is_end || state_.left == kernel::Left::kAfter ? nullptr : take_over<mode>(tokens);
}

// Who reads wants no prediction: the same block without one. Up to a branch they are the same.
template <Interpreter::Mode mode>
Block* Interpreter::at_branch(Block& branch, const kernel::Token* tokens) {
  if (mode != Mode::kRead) return this->branch(branch, tokens);
  return this->branch(*made([&] { return versions_->step(*branch.from, branch.token_class, false); }),
                      tokens);
}
template <Interpreter::Mode mode>
Block* Interpreter::after_branch(Block& target) {
  if (mode != Mode::kRead) return &target;
  const std::uint32_t index = kernel_->book()[target.kernel].index;
  return made(
      [&] { return versions_->target(*versions_->step(*target.from, target.token_class, false), index); });
}

}  // namespace tvm::plan
