// Fold: weights -> network. Follows every residual slot through the layers as a linear expression.
#pragma once

#include "model/model.hpp"
#include "plan/ir/network.hpp"

namespace tvm::plan {

// Throws Declined when the model is not an integer machine of the known patterns.
Network fold(const Model& model);

}  // namespace tvm::plan
