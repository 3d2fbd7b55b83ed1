// Generation and verification on the layer path.
#pragma once

#include <cstdint>
#include <span>

#include "model/model.hpp"
#include "tvm.h"

namespace tvm {

// `integers`: the model has a plan; where float64 rounds what the plan does not, exact is 0.
void generate_by_layers(const Model& model, bool integers, std::span<const std::int32_t> prompt,
                        std::uint64_t limit, tvm_callback callback, void* user, const tvm_options& options,
                        tvm_run_result& result);

void verify_by_layers(const Model& model, bool integers, std::span<const std::int32_t> tokens,
                      std::size_t first, std::size_t last, std::int32_t* predicted,
                      const tvm_options& options, tvm_verify_result& result);

}  // namespace tvm
