#include "plan/plan.hpp"

#include "plan/fold.hpp"

namespace tvm::plan {

std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not) {
  try {
    auto plan = std::make_unique<Plan>();
    plan->network = fold(model);
    plan->live = live_nodes(plan->network);
    plan->split = choose_split(plan->network, plan->live);
    return plan;
  } catch (const Declined& declined) {
    why_not = declined.why;
    return nullptr;
  }
}

}  // namespace tvm::plan
