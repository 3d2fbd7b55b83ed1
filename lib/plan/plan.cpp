#include "plan/plan.hpp"

#include "base/error.hpp"
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
    const bool has_kernel = kernel_ != nullptr && kernel_->kernel().first_token == first_token;
    const kernel::RecipeBook* book = has_kernel ? &kernel_->book() : nullptr;
    found =
        versions_.emplace(first_token, std::make_shared<BlockVersions>(subject_, first_token, book)).first;
  }
  return found->second;
}

void Plan::use(std::shared_ptr<const kernel::Loaded> kernel) const {
  const std::lock_guard lock(mutex_);
  if (kernel_ != nullptr) throw Error(Status::kArgument, "the model has a kernel already");
  versions_.clear();
  kernel_ = std::move(kernel);
}

std::shared_ptr<const kernel::Loaded> Plan::kernel(std::int32_t first_token) const {
  const std::lock_guard lock(mutex_);
  return kernel_ != nullptr && kernel_->kernel().first_token == first_token ? kernel_ : nullptr;
}

bool Plan::has_kernel() const {
  const std::lock_guard lock(mutex_);
  return kernel_ != nullptr;
}

std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not) {
  try {
    if (model.tokens.size() > kernel::kMostTokens)
      throw Declined{"the vocabulary has more tokens than 16 bits number"};
    return std::make_unique<Plan>(make_subject(fold(model)));
  } catch (const Declined& declined) {
    why_not = declined.why;
    return nullptr;
  }
}

}  // namespace tvm::plan
