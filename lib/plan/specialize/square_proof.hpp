// How it is known at a position that the squared key of a store is the key's square.
#pragma once

#include <cstdint>

#include "plan/ir/squared_key.hpp"
#include "plan/specialize/partial_evaluator.hpp"

namespace tvm::plan {

struct SquareProof {
  // It is; it is if sign * key >= 0; or it must be computed, with 128 bits.
  enum class How : std::uint8_t { kProved, kSign, kCompute } how = How::kCompute;
  std::int64_t sign = 0;
  SquaredKey square;  // kCompute: of registers, without the products whose gate is never open
};

SquareProof prove_square(const Network& network, PartialEvaluator& evaluator, const Store& store);

}  // namespace tvm::plan
