#include "plan/plan.hpp"

#include "plan/fold/fold.hpp"
#include "plan/ir/declined.hpp"
#include "plan/specialize/tabulate.hpp"

namespace tvm::plan {
namespace {

// Sequences of a machine begin with one token; more first tokens than this are not remembered.
constexpr std::size_t kMaxFirstTokens = 8;

}  // namespace

std::shared_ptr<BlockVersions> Plan::versions(std::int32_t first_token) const {
  const std::lock_guard lock(mutex_);
  auto found = versions_.find(first_token);
  if (found == versions_.end()) {
    if (versions_.size() >= kMaxFirstTokens) versions_.clear();
    found = versions_.emplace(first_token, std::make_shared<BlockVersions>(subject_, first_token)).first;
  }
  return found->second;
}

std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not) {
  try {
    return std::make_unique<Plan>(make_subject(fold(model)));
  } catch (const Declined& declined) {
    why_not = declined.why;
    return nullptr;
  }
}

}  // namespace tvm::plan
