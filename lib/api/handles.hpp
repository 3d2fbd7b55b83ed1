// What the opaque handles of the C ABI hold.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "model/model.hpp"
#include "plan/plan.hpp"
#include "tvm.h"

struct tvm_model {
  tvm::Model model;

  // Built when it is first asked for, by whichever thread asks first; null when there is none.
  const tvm::plan::Plan* plan() const {
    std::call_once(once, [&] { built = tvm::plan::build_plan(model, why_no_plan); });
    return built.get();
  }

  mutable std::once_flag once;
  mutable std::unique_ptr<const tvm::plan::Plan> built;
  mutable std::string why_no_plan;
};
