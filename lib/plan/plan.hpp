// The plan: the network compiled when the model is loaded. README.md tells the way from weights to tapes.
//
// Enters: a model.  Leaves: a `Plan` (shared by threads) or the reason why there is none.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kernel/load.hpp"
#include "model/model.hpp"
#include "plan/run/token_buffer.hpp"
#include "plan/specialize/block_versions.hpp"

namespace tvm::plan {

class Plan {
 public:
  explicit Plan(Subject subject) : subject_(std::move(subject)) {}

  const Subject& subject() const { return subject_; }
  const Network& network() const { return subject_.network; }
  const Division& division() const { return subject_.division; }

  // The tapes for sequences with this first token: made as runs need them, shared by all runs and threads.
  std::shared_ptr<BlockVersions> versions(std::int32_t first_token) const;

  // Runs that begin from now on take the kernel where it goes.
  void use(std::shared_ptr<const kernel::Loaded> kernel) const;
  // Null when there is none, or none for sequences with this first token.
  std::shared_ptr<const kernel::Loaded> kernel(std::int32_t first_token) const;
  bool has_kernel() const;

  SpareTokens& spare_tokens() const { return spare_tokens_; }

 private:
  const Subject subject_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const kernel::Loaded> kernel_;
  mutable std::map<std::int32_t, std::shared_ptr<BlockVersions>> versions_;
  mutable SpareTokens spare_tokens_;
};

// Null when the model is no integer machine of the known patterns; `why_not` says where and why.
std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not);

}  // namespace tvm::plan
