// Whether the tokens that a tape reads at an index are near a base (ir/token_bases.hpp).
//
// Enters: the evaluator of the tape, with the cases that it knows.  Leaves: proved, or not.
#pragma once

#include "plan/specialize/partial_evaluator.hpp"

namespace tvm::plan {

// `index`: a node that is within 0 .. position.
bool is_near(const Subject& subject, PartialEvaluator& evaluator, NodeId index);

}  // namespace tvm::plan
