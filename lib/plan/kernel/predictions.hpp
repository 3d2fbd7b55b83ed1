// The table of predictions of a tape, all of it, computed before anything runs.
//
// Enters: a tape that has a table.  Leaves: for each entry the token that the interpreter would enter there,
// or kMissing where that is not known before a run gets there.
#pragma once

#include <cstdint>
#include <vector>

#include "plan/specialize/output.hpp"
#include "plan/specialize/tape.hpp"

namespace tvm::plan {

inline constexpr std::int32_t kMissing = -1;

class Predictions {
 public:
  explicit Predictions(const Network& network)
      : network_(network), output_(network), registers_(network.nodes.size()) {}

  std::vector<std::int32_t> table_of(const Tape& tape);

 private:
  bool choose_ops(const Tape& tape, std::vector<Op>::const_iterator recall);
  std::int32_t entry(const Tape& tape);
  bool compute(const Tape& tape, const Op& op);
  bool value(const Tape& tape, const Linear& linear, std::int64_t& result) const;

  const Network& network_;
  Output output_;
  std::vector<std::int64_t> registers_;
  std::vector<const Op*> ops_;  // of an entry, in order
};

}  // namespace tvm::plan
