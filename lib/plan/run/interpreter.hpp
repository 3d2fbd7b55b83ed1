// One sequence of tokens on the plan: the state that a run keeps, and the interpreter of tapes.
//
// Enters: tokens in order.  Leaves: predictions; or an Error: Status::kLimit rather than computing beyond
// what is exact, LeftPlan where a pattern that the plan relies on does not hold (the
// layer path can run that sequence still).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernel/paged_store.hpp"
#include "plan/plan.hpp"
#include "plan/run/border.hpp"
#include "plan/run/token_range.hpp"
#include "plan/specialize/output.hpp"

namespace tvm::plan {

// Not for several threads at once.
class Interpreter {
 public:
  Interpreter(const Plan& plan, std::int32_t first_token, bool with_kernel = true)
      : Interpreter(plan.subject(), plan.versions(first_token),
                    with_kernel ? plan.kernel(first_token) : nullptr) {}
  // `kernel`: that of the versions, or null.
  Interpreter(const Subject& subject, std::shared_ptr<BlockVersions> versions,
              std::shared_ptr<const kernel::Loaded> kernel = nullptr);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;

  std::size_t position() const { return position_; }
  const BlockVersions& versions() const { return *versions_; }
  // Positions that the kernel has run.
  std::uint64_t covered() const { return covered_; }

  // What positions from position() on can ask for among the tokens before it, if the first `prompt` are where
  // far reads go: ascending, with gaps between them; the first begins at 0, the last ends at position().
  std::vector<TokenRange> reachable(std::size_t prompt) const;
  // Of the tokens before position(), only these are held: ranges as of reachable(). At first all are.
  void hold(std::vector<TokenRange> held);

  // Reads tokens[position() .. end); what they predict is not computed.
  void read(const kernel::Token* tokens, std::size_t end);

  // Reads tokens[position()], writes the prediction behind it, and goes on with that, until
  // tokens[end - 1] has been written or the last one written is `stop`. Like all that follows, an error
  // leaves position() at the token that could not be read. A kernel may write up to `spare` tokens more,
  // which saves to interpret the last ones.
  void generate(kernel::Token* tokens, std::size_t end, std::int32_t stop, std::size_t spare = 0);

  // Teacher forcing: tokens[position() + 1 .. end) against their predictions. Stops before the first that
  // differs and returns its position (`found` is the prediction), or `end`.
  std::size_t verify(const kernel::Token* tokens, std::size_t end, std::int32_t& found);

  // Writes the predictions of tokens[position() + 1 .. end).
  void predict(const kernel::Token* tokens, std::size_t end, std::int32_t* predicted);

  // The state as a border (border.hpp): what has changed since an earlier position. `prompt`: its tokens,
  // which everybody knows, are no part of it.
  void save(std::uint64_t since, const kernel::Token* tokens, std::size_t prompt, Bytes& to) const;
  // Goes on from a border that follows position(). A whole one has the tokens that are needed, which are
  // written among the others, and held; of changes, `more` are those behind the position before, up to the
  // new one. What throws, Error with Status::kArgument for bytes that are no such border, leaves an
  // interpreter of no use.
  void restore(std::span<const unsigned char> border, std::span<const kernel::Token> more,
               kernel::Token* tokens, std::size_t prompt);

 private:
  enum class Mode : std::uint8_t { kRead, kGenerate, kVerify, kPredict };
  template <Mode mode, class Tokens>
  std::int32_t run(Tokens* tokens, std::size_t end, std::int32_t stop, std::int32_t* predicted,
                   std::size_t spare = 0);
  template <Mode mode>
  kernel::Run entry_of(const Block& block) const;
  template <Mode mode>
  kernel::Run entry_of(std::uint32_t number) const;
  template <Mode mode>
  kernel::Run entry_where_it_stands(std::uint32_t token_class, std::size_t end) const;
  template <Mode mode>
  Block* take_over(const kernel::Token* tokens);
  Block* predicting_block(std::uint32_t token_class, std::size_t position, std::size_t end) const;
  template <Mode mode>
  Block* run_kernel(kernel::Run run, const kernel::Token* tokens, std::size_t end, std::size_t spare);
  std::size_t within_sums(std::size_t end) const;
  template <Mode mode>
  Block* at_branch(Block& branch, const kernel::Token* tokens);
  template <Mode mode>
  Block* after_branch(Block& target);
  std::int64_t value(const Tape& tape, const Linear& linear) const;
  [[gnu::noinline]] void check(const Tape& tape, const Linear& linear) const;
  Wide wide(const Tape& tape, const Linear& linear) const;
  template <class Make>
  Block* made(Make&& make) const;
  void insert(const Tape& tape, const Op& op);
  void check_square(const Tape& tape, const Insert& how, std::int64_t key) const;
  void batch(const Tape& tape, const Batch& batch);
  std::int64_t product(const Tape& tape, std::int64_t open, const Linear& factor) const;
  std::int64_t token_sum(const Tape& tape, const Op& op, const kernel::Token* tokens, bool& cut) const;
  void sum(const Tape& tape, const Op& op, std::int32_t token);
  std::int32_t output(const Tape& tape);
  std::int32_t output_of_features();
  std::size_t case_of(const Selector& selector, const kernel::Token* tokens) const;
  Block* branch(Block& block, const kernel::Token* tokens) const;
  std::uint64_t fingerprint() const;
  template <class F>
  void for_each_token(const std::vector<TokenRange>& needed, std::size_t prompt, F&& f) const;
  [[noreturn, gnu::cold, gnu::noinline]] void beyond(const char* what) const;    // Status::kLimit
  [[noreturn, gnu::cold, gnu::noinline]] void off_plan(const char* what) const;  // LeftPlan
  // Throws NotHeld; for a far read between the first tokens that are held and the last.
  [[gnu::cold, gnu::noinline]] void require_held(std::int64_t at) const;
  void far_read(std::int64_t at) const {
    const auto position = static_cast<std::uint64_t>(at);
    if (position >= state_.held && position < state_.again) [[unlikely]]
      require_held(at);
  }

  struct Sum {
    std::int64_t total = 0, count = 0, key = 0;
  };

  const Subject& subject_;
  std::shared_ptr<BlockVersions> versions_;
  Context* context_;                         // of position_, unless the kernel stopped there:
  std::uint32_t stands_ = kernel::kUnknown;  // at this block of its own, where state_.left says
  std::unique_ptr<Output> output_;           // once it is needed
  std::size_t position_ = 0;
  // The state as kernels have it; in it a view of each store, the registers and the features.
  std::unique_ptr<std::uint64_t[]> memory_;
  kernel::State& state_;
  std::span<kernel::Store> store_views_;
  std::span<std::int64_t> registers_, features_;
  std::vector<double> gates_;                   // of a batch
  std::vector<Sum> sums_;                       // per node, once there is one
  const std::vector<kernel::Layout>& layouts_;  // per store
  std::vector<std::unique_ptr<kernel::PagedStore>> stores_;
  std::shared_ptr<const kernel::Loaded> kernel_;
  std::uint64_t covered_ = 0;
  std::vector<TokenRange> held_ranges_;  // where not all are
  std::vector<std::vector<std::int64_t>> histories_;
  mutable std::uint64_t fingerprint_ = 0;  // of the plan, once a border needs it
};

// Modulo 2^64: what may leave 64 bits was checked by an op before.
inline std::int64_t Interpreter::value(const Tape& tape, const Linear& linear) const {
  const auto times = [&](std::int64_t weight, NodeId node) {
    return static_cast<std::uint64_t>(weight) * static_cast<std::uint64_t>(registers_[node]);
  };
  std::uint64_t sum = static_cast<std::uint64_t>(linear.constant) + times(linear.weight, linear.node);
  if (linear.more == 0) [[likely]]
    return static_cast<std::int64_t>(sum);
  const Term* term = tape.terms.data() + linear.first;
  for (std::uint32_t i = 0; i < linear.more; ++i) sum += times(term[i].weight, term[i].node);
  return static_cast<std::int64_t>(sum);
}

}  // namespace tvm::plan
