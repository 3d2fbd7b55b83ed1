#include "plan/specialize/block_versions.hpp"

#include <algorithm>

namespace tvm::plan {
namespace {

// Beyond these, positions share the least specialised tapes: memory stays bounded.
constexpr std::size_t kMaxStates = std::size_t{1} << 12;
constexpr std::size_t kMaxSegments = std::size_t{1} << 14;
// A branch has at most this many targets; selectors beyond are left unknown.
constexpr std::size_t kMaxTargets = std::size_t{1} << 14;

}  // namespace

Automaton::Automaton(const Plan& plan, std::int32_t first_token) : plan_(plan), first_token_(first_token) {
  Facts facts;
  facts.cases.assign(plan.split.selectors.size(), kNoCase);
  facts.valid.assign(plan.network.nodes.size(), false);
  nothing_ = intern(facts);
  facts.first = true;
  start_ = intern(facts);
}

State* Automaton::intern(Facts facts) {
  const auto found = states_.find(facts);
  if (found != states_.end()) return found->second.get();
  if (states_.size() >= kMaxStates) return nothing_;
  auto state = std::make_unique<State>();
  state->facts = facts;
  for (auto& next : state->next) next = std::vector<Link>(plan_.split.classes.size());
  return states_.emplace(std::move(facts), std::move(state)).first->second.get();
}

State* Automaton::after(const Facts& before, Knowledge& knowledge, const std::vector<std::uint32_t>& cases,
                        const Tape& tape, const Tape* branched) {
  Facts facts;
  facts.cases = cases;
  facts.valid.assign(plan_.network.nodes.size(), false);
  for (NodeId id = 0; id < plan_.network.nodes.size(); ++id)
    if (before.valid[id] && knowledge.carried(id)) facts.valid[id] = true;
  for (const Tape* part : {&tape, branched})
    if (part != nullptr)
      for (const NodeId id : part->computed) facts.valid[id] = plan_.readers.stable[id];
  return intern(std::move(facts));
}

Segment* Automaton::add(Tape tape, State& from, std::uint32_t token_class, bool predict) {
  auto segment = std::make_unique<Segment>();
  segment->tape = std::move(tape);
  segment->from = &from;
  segment->token_class = token_class;
  segment->predict = predict;
  segment->targets = std::vector<Link>(segment->tape.targets);
  segments_.push_back(std::move(segment));  // last: nobody meets half a segment when memory runs out
  return segments_.back().get();
}

std::vector<const Segment*> Automaton::segments() const {
  const std::lock_guard lock(mutex_);
  std::vector<const Segment*> all;
  for (const auto& segment : segments_) all.push_back(segment.get());
  return all;
}

Segment* Automaton::step(State& state, std::uint32_t token_class, bool predict) {
  Link& link = state.next[predict][token_class];
  if (Segment* made = link.load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(mutex_);
  if (Segment* made = link.load(std::memory_order_relaxed)) return made;
  // Where there are too many tapes, the one that relies on nothing being known.
  const bool full = segments_.size() >= kMaxSegments && !state.facts.first;
  State& from = full ? *nothing_ : state;
  Segment* made = from.next[predict][token_class].load(std::memory_order_relaxed);
  if (made == nullptr) made = make_step(from, token_class, predict);
  from.next[predict][token_class].store(made, std::memory_order_release);
  link.store(made, std::memory_order_release);
  return made;
}

Segment* Automaton::target(Segment& branch, std::size_t index) {
  if (Segment* made = branch.targets[index].load(std::memory_order_acquire)) return made;
  const std::lock_guard lock(mutex_);
  // Where there are too many tapes, that of no case of any selector.
  if (segments_.size() >= kMaxSegments) index = branch.targets.size() - 1;
  Link& link = branch.targets[index];
  if (Segment* made = link.load(std::memory_order_relaxed)) return made;
  Segment* made = make_target(branch, index);
  link.store(made, std::memory_order_release);
  return made;
}

Segment* Automaton::make_step(State& state, std::uint32_t token_class, bool predict) {
  std::vector<std::uint32_t> cases(plan_.split.selectors.size(), kNoCase);
  Request request{.part = Part::kWhole, .predict = predict, .branches = {}};
  Knowledge early(plan_.network, plan_.split, state.facts, token_class, cases, first_token_);
  std::size_t targets = 1;
  for (std::uint32_t s = 0; s < cases.size(); ++s) {
    cases[s] = early.known_case(s);
    const std::size_t count = plan_.split.selectors[s].cases() + std::size_t{1};
    // A number that is known and is no case is in no register to branch on.
    if (cases[s] != kNoCase || early.is_known(s) || targets * count > kMaxTargets) continue;
    targets *= count;
    request.branches.push_back(s);
  }
  if (!request.branches.empty()) request.part = Part::kBranch;
  Knowledge knowledge(plan_.network, plan_.split, state.facts, token_class, cases, first_token_);
  Tape tape = build_tape(plan_.network, plan_.split, plan_.readers, knowledge, request);
  State* next = request.part == Part::kBranch ? nullptr : after(state.facts, knowledge, cases, tape, nullptr);
  Segment* segment = add(std::move(tape), state, token_class, predict);
  segment->after = next;
  return segment;
}

Segment* Automaton::make_target(Segment& branch, std::size_t index) {
  const Facts& before = branch.from->facts;
  std::vector<std::uint32_t> cases(plan_.split.selectors.size(), kNoCase);
  Knowledge early(plan_.network, plan_.split, before, branch.token_class, cases, first_token_);
  for (std::size_t s = 0; s < cases.size(); ++s) cases[s] = early.known_case(s);
  std::size_t rest = index;
  for (const auto s : branch.tape.branches) {
    const std::uint32_t count = plan_.split.selectors[s].cases();
    const auto digit = static_cast<std::uint32_t>(rest % (count + 1));
    rest /= count + 1;
    cases[s] = digit == count ? kNoCase : digit;
  }
  Knowledge knowledge(plan_.network, plan_.split, before, branch.token_class, cases, first_token_);
  const Request request{
      .part = Part::kRest, .predict = branch.predict, .branches = {}, .computed = &branch.tape.computed};
  Tape tape = build_tape(plan_.network, plan_.split, plan_.readers, knowledge, request);
  State* next = after(before, knowledge, cases, tape, &branch.tape);
  Segment* segment = add(std::move(tape), *branch.from, branch.token_class, branch.predict);
  segment->after = next;
  return segment;
}

}  // namespace tvm::plan
