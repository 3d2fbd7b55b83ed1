// The plan: the network compiled when the model is loaded.
//
// Enters: a model.  Leaves: a `Plan` (shared by threads) or the reason why there is none.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "model/model.hpp"
#include "plan/ir/liveness.hpp"
#include "plan/ir/network.hpp"
#include "plan/specialize/division.hpp"

namespace tvm::plan {

class Automaton;

struct Plan {
  Network network;
  Split split;
  Readers readers;

  // The tapes for sequences with this first token: made as runs need them, shared by all runs and threads.
  std::shared_ptr<Automaton> automaton(std::int32_t first_token) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::int32_t, std::shared_ptr<Automaton>> automata_;
};

// Null with the reason in `why_not` when the model has no structure that can be kept exact.
std::unique_ptr<const Plan> build_plan(const Model& model, std::string& why_not);

}  // namespace tvm::plan
