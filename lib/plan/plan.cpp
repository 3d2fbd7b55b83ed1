#include "plan/plan.hpp"

#include "plan/fold/fold.hpp"
#include "plan/specialize/block_versions.hpp"
#include "plan/specialize/narrow_ranges.hpp"

namespace tvm::plan {
namespace {

// Sequences of a machine begin with one token; more first tokens than this are not remembered.
constexpr std::size_t kMaxAutomata = 8;

}  // namespace

std::shared_ptr<Automaton> Plan::automaton(std::int32_t first_token) const {
  const std::lock_guard lock(mutex_);
  auto found = automata_.find(first_token);
  if (found == automata_.end()) {
    if (automata_.size() >= kMaxAutomata) automata_.clear();
    found = automata_.emplace(first_token, std::make_shared<Automaton>(*this, first_token)).first;
  }
  return found->second;
}

std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not) {
  try {
    auto plan = std::make_unique<Plan>();
    plan->network = fold(model);
    const std::vector<bool> live = live_nodes(plan->network);
    plan->split = choose_split(plan->network, live);
    narrow_ranges(plan->network, plan->split);
    plan->readers = find_readers(plan->network, live, plan->split.nodes);
    return plan;
  } catch (const Declined& declined) {
    why_not = declined.why;
    return nullptr;
  }
}

}  // namespace tvm::plan
