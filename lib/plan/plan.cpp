#include "plan/plan.hpp"

#include "plan/fold.hpp"
#include "plan/ranges.hpp"

namespace tvm::plan {

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
