// The plan: the network compiled when the model is loaded.
//
// Enters: a model.  Leaves: a `Plan` (immutable, shared by threads) or the reason why there is none.
#pragma once

#include <memory>
#include <string>

#include "model/model.hpp"
#include "plan/liveness.hpp"
#include "plan/network.hpp"
#include "plan/specialize.hpp"

namespace tvm::plan {

struct Plan {
  Network network;
  Split split;
  Readers readers;
};

// Null with the reason in `why_not` when the model has no structure that can be kept exact.
std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not);

}  // namespace tvm::plan
