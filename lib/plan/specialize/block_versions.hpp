// Block versions: the tapes of one plan, each for one context, made when a run first needs it.
//
// Enters: the subject.  Leaves: for a context (an abstract state), a class of tokens and the cases that are
// found, the tape to run and the context after it.
//
// This is lazy basic block versioning (Chevalier-Boisvert and Feeley: Simple and Effective Type Check Removal
// through Lazy Basic Block Versioning, 2015), with a position of the sequence as the basic block. A run makes
// the versions of the instructions that it executes; later positions follow links. The class of a byte token
// and the context "byte 1 of i32.add comes next, operands found" lead to "byte 2 ...": nothing is looked up
// or branched on. After a commit the tape branches on the fetched opcode.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kernel/recipe_book.hpp"
#include "plan/specialize/output.hpp"
#include "plan/specialize/tape.hpp"

namespace tvm::plan {

struct Block;

// Null until the block is made; never changed afterwards.
using Link = std::atomic<Block*>;

struct Context {
  AbstractState known;
  std::array<std::vector<Link>, 2> next;                 // without and with a prediction; by token class
  std::atomic<std::uint32_t> kernel = kernel::kUnknown;  // its number in the kernel
};

// An entry of a table of predictions. Entered by runs on any thread, each the same.
struct Prediction {
  std::atomic<std::int32_t> token{0};  // + 1; 0: not yet computed
  Link following = nullptr;            // the block that goes on with that token
};

// What every position reads comes first, in one line of the cache.
struct alignas(64) Block {
  Context* after = nullptr;  // null when the tape branches
  Link usual = nullptr;      // the block that followed first: what a processor may go on with
  // The prediction as a function of few registers with small intervals, for each combination, which the
  // value of kRecall counts. Empty when there are too many.
  std::vector<Prediction> predictions;
  Tape tape;
  Context* from = nullptr;
  std::uint32_t token_class = 0;
  std::vector<std::uint32_t> cases;  // of selectors, as far as they are known at its begin
  bool predict = false;
  bool rest = false;                                     // a target of a branch
  std::vector<Link> targets;                             // of the branch
  std::atomic<std::uint32_t> kernel = kernel::kUnknown;  // its number in the kernel
};

// Of all sequences with one first token. Runs follow links without a lock and make what is missing under one.
class BlockVersions {
 public:
  // `kernel`: its recipes, or null.
  BlockVersions(const Subject& subject, std::int32_t first_token, const kernel::RecipeBook* kernel = nullptr);

  std::int32_t first_token() const { return first_token_; }
  Context* start() const { return start_; }
  Context* nothing_known() const { return nothing_; }
  Outputs& outputs() { return outputs_; }
  // In the order in which they were made.
  std::vector<const Block*> blocks() const;

  // What the link leads to, made if it is missing.
  Block* step(Context& context, std::uint32_t token_class, bool predict);
  Block* target(Block& branch, std::size_t index);

  // A block of the kernel by its number, made if it is missing, whatever the limits.
  Block* of_kernel(std::uint32_t number);

 private:
  Block* step_locked(Context& context, std::uint32_t token_class, bool predict);
  Block* target_locked(Block& branch, std::size_t index);
  Block* make_step(Context& context, std::uint32_t token_class, bool predict);
  Block* make_target(Block& branch, std::size_t index);
  // The block is this one of the kernel, if their tapes are the same.
  void learn(Block& block, std::uint32_t number) const;
  std::vector<std::uint32_t> known_cases(PartialEvaluator& evaluator) const;
  Context* intern(AbstractState known);
  // Makes the block, and unless it branches, the context after it.
  Block* add(Context& from, std::uint32_t token_class, const std::vector<std::uint32_t>& cases,
             const Request& request);

  const Subject& subject_;
  const std::int32_t first_token_;
  const kernel::RecipeBook* const kernel_;
  Outputs outputs_;
  bool limited_ = true;
  mutable std::mutex mutex_;  // of all that follows
  std::map<AbstractState, std::unique_ptr<Context>> contexts_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<Link> of_kernel_;  // by number
  Context* start_ = nullptr;
  Context* nothing_ = nullptr;
};

}  // namespace tvm::plan
