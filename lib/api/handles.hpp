// What the opaque handles of the C ABI hold.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "model/model.hpp"
#include "plan/plan.hpp"
#include "plan/run/sequence.hpp"
#include "tvm.h"

struct tvm_model {
  tvm::Model model;

  // Built when it is first asked for, by whichever thread asks first; null when there is none, for the reason
  // in why_no_plan. What throws (memory ran out) is tried again by the next who asks.
  const tvm::plan::Plan* plan() const {
    const std::lock_guard lock(building);
    if (!known) {
      built = tvm::plan::build_plan(model, why_no_plan);
      known = true;
    }
    return built.get();
  }

  mutable std::mutex building;
  mutable bool known = false;
  mutable std::unique_ptr<const tvm::plan::Plan> built;
  mutable std::string why_no_plan;
};

struct tvm_run {
  const tvm::Model& model;
  tvm::plan::Sequence sequence;
};
