#include "plan/specialize/block_versions.hpp"

#include <utility>

#include "plan/ir/declined.hpp"
#include "plan/specialize/fingerprint.hpp"

namespace tvm::plan {
namespace {

// Beyond these, positions share the least specialised tapes: memory stays bounded.
constexpr std::size_t kMaxContexts = std::size_t{1} << 12;
constexpr std::size_t kMaxBlocks = std::size_t{1} << 14;
// A branch has at most this many targets. Selectors that would make it more are not branched on.
constexpr std::size_t kMaxTargets = std::size_t{1} << 14;

}  // namespace

BlockVersions::BlockVersions(const Subject& subject, std::int32_t first_token,
                             const kernel::RecipeBook* kernel)
    : subject_(subject),
      first_token_(first_token),
      kernel_(kernel),
      outputs_(subject.network),
      of_kernel_(kernel == nullptr ? 0 : kernel->size()) {
  AbstractState known;
  known.cases.assign(subject.division.selectors.size(), kNoCase);
  known.valid.assign(subject.network.nodes.size(), false);
  nothing_ = intern(known);
  known.first = true;
  start_ = intern(known);
  nothing_->kernel = kernel::kNothing;
  start_->kernel = kernel::kStart;
}

Context* BlockVersions::intern(AbstractState known) {
  const auto found = contexts_.find(known);
  if (found != contexts_.end()) return found->second.get();
  if (limited_ && contexts_.size() >= kMaxContexts) return nothing_;
  auto context = std::make_unique<Context>();
  context->known = known;
  if (kernel_ != nullptr) context->kernel = kernel_->context(fingerprint_of(known));
  for (auto& next : context->next) next = std::vector<Link>(subject_.division.classes.size());
  return contexts_.emplace(std::move(known), std::move(context)).first->second.get();
}

Block* BlockVersions::add(Context& from, std::uint32_t token_class, const std::vector<std::uint32_t>& cases,
                          const Request& request) {
  PartialEvaluator evaluator(subject_, from.known, token_class, cases, first_token_);
  auto block = std::make_unique<Block>();
  block->tape = build_tape(subject_, evaluator, request);
  block->predictions = std::vector<Prediction>(block->tape.entries);
  block->targets = std::vector<Link>(block->tape.targets);
  block->from = &from;
  block->token_class = token_class;
  block->cases = cases;
  block->predict = request.predict;
  block->rest = request.part == Part::kRest;
  if (request.part != Part::kBranch) {
    AbstractState known{.cases = cases, .valid = from.known.valid};
    for (NodeId id = 0; id < known.valid.size(); ++id)
      if (known.valid[id]) known.valid[id] = evaluator.carried(id);
    for (const std::vector<NodeId>* computed : {&std::as_const(block->tape).computed, request.computed})
      if (computed != nullptr)
        for (const NodeId id : *computed) known.valid[id] = subject_.uses.stable[id];
    block->after = intern(std::move(known));
  }
  blocks_.push_back(
      std::move(block));  // last: a block is reachable only once it is whole, even if memory runs out
  return blocks_.back().get();
}

std::vector<const Block*> BlockVersions::blocks() const {
  const std::lock_guard lock(mutex_);
  std::vector<const Block*> all;
  for (const auto& block : blocks_) all.push_back(block.get());
  return all;
}

Block* BlockVersions::step(Context& context, std::uint32_t token_class, bool predict) {
  Link& link = context.next[predict][token_class];
  if (Block* made = link.load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(mutex_);
  return step_locked(context, token_class, predict);
}

Block* BlockVersions::step_locked(Context& context, std::uint32_t token_class, bool predict) {
  Link& link = context.next[predict][token_class];
  if (Block* made = link.load(std::memory_order_relaxed)) return made;
  // Where there are too many tapes, the one that relies on nothing being known.
  const bool full = limited_ && blocks_.size() >= kMaxBlocks && !context.known.first;
  Context& from = full ? *nothing_ : context;
  Block* made = from.next[predict][token_class].load(std::memory_order_relaxed);
  if (made == nullptr) {
    made = make_step(from, token_class, predict);
    if (kernel_ != nullptr) learn(*made, kernel_->step(from.kernel, token_class, predict));
  }
  from.next[predict][token_class].store(made, std::memory_order_release);
  link.store(made, std::memory_order_release);
  return made;
}

Block* BlockVersions::target(Block& branch, std::size_t index) {
  if (Block* made = branch.targets[index].load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(mutex_);
  return target_locked(branch, index);
}

Block* BlockVersions::target_locked(Block& branch, std::size_t index) {
  // Where there are too many tapes, that of no case of any selector.
  if (limited_ && blocks_.size() >= kMaxBlocks) index = branch.targets.size() - 1;
  Link& link = branch.targets[index];
  if (Block* made = link.load(std::memory_order_relaxed)) return made;
  Block* made = make_target(branch, index);
  if (kernel_ != nullptr) learn(*made, kernel_->target(branch.kernel, static_cast<std::uint32_t>(index)));
  link.store(made, std::memory_order_release);
  return made;
}

void BlockVersions::learn(Block& block, std::uint32_t number) const {
  if (number != kernel::kUnknown && (*kernel_)[number].tape == fingerprint_of(subject_.network, block.tape))
    block.kernel = number;
}

Block* BlockVersions::of_kernel(std::uint32_t number) {
  if (Block* made = of_kernel_[number].load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(mutex_);
  // What it is made from, the last first.
  std::vector<std::uint32_t> path;
  for (std::uint32_t at = number; at != kernel::kStart && at != kernel::kNothing; at = kernel_->before(at))
    path.push_back(at);
  struct Unlimited {
    bool& limited;
    ~Unlimited() { limited = true; }
  } unlimited{limited_ = false};
  Block* block = nullptr;
  Context* context = (*kernel_)[path.back()].parent == kernel::kStart ? start_ : nothing_;
  for (; !path.empty(); path.pop_back()) {
    const kernel::Recipe& recipe = (*kernel_)[path.back()];
    block = recipe.branch != 0 ? target_locked(*block, recipe.index)
                               : step_locked(*context, recipe.index / 2, recipe.index % 2 != 0);
    context = block->after;
  }
  of_kernel_[number].store(block, std::memory_order_release);
  return block;
}

std::vector<std::uint32_t> BlockVersions::known_cases(PartialEvaluator& evaluator) const {
  std::vector<std::uint32_t> cases;
  for (std::size_t s = 0; s < subject_.division.selectors.size(); ++s)
    cases.push_back(evaluator.known_case(s));
  return cases;
}

Block* BlockVersions::make_step(Context& context, std::uint32_t token_class, bool predict) {
  if (const auto& division = subject_.division; !division.begins.empty()) {
    if (context.known.first && !division.begins[token_class])
      throw Declined{"the sequence begins with a token whose embedding is not zero"};
    if (!context.known.first && division.begins[token_class])
      throw Declined{"a token whose embedding is zero is not at position 0"};
  }
  const std::vector<std::uint32_t> none(subject_.division.selectors.size(), kNoCase);
  PartialEvaluator early(subject_, context.known, token_class, none, first_token_);
  const std::vector<std::uint32_t> cases = known_cases(early);
  Request request{.part = Part::kWhole, .predict = predict};
  std::size_t targets = 1;
  for (std::uint32_t s = 0; s < cases.size(); ++s) {
    const std::size_t count = subject_.division.selectors[s].cases() + std::size_t{1};
    // A selector can be a known constant that is none of its cases. It has no register then, and there is
    // nothing to branch on.
    if (cases[s] != kNoCase || early.is_known(s) || targets * count > kMaxTargets) continue;
    targets *= count;
    request.branches.push_back(s);
  }
  if (!request.branches.empty()) request.part = Part::kBranch;
  return add(context, token_class, cases, request);
}

Block* BlockVersions::make_target(Block& branch, std::size_t index) {
  std::vector<std::uint32_t> cases = branch.cases;
  std::size_t rest = index;
  for (const auto s : branch.tape.branches) {
    const std::uint32_t count = subject_.division.selectors[s].cases();
    const auto digit = static_cast<std::uint32_t>(rest % (count + 1));
    rest /= count + 1;
    cases[s] = digit == count ? kNoCase : digit;
  }
  return add(*branch.from, branch.token_class, cases,
             {.part = Part::kRest, .predict = branch.predict, .computed = &branch.tape.computed});
}

}  // namespace tvm::plan
