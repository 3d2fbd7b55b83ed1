// Fingerprints: numbers that differ where plans differ, so that a kernel is used with its own model alone.
#pragma once

#include <cstdint>

#include "plan/specialize/division.hpp"
#include "plan/specialize/tape.hpp"

namespace tvm::plan {

class Fingerprint {
 public:
  void add(std::uint64_t value) {
    sum_ = (sum_ ^ value) * 0x9E3779B97F4A7C15u;
    sum_ ^= sum_ >> 29;
  }
  void add(std::int64_t value) { add(static_cast<std::uint64_t>(value)); }
  void add(std::uint32_t value) { add(std::uint64_t{value}); }
  template <class List>
  void add_all(const List& list) {
    add(std::uint64_t{list.size()});
    for (const auto& one : list) add(one);
  }
  void add(const Term& term) { add(term.node), add(term.weight); }
  std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 1;
};

// Of all that a plan's tapes are made from and that a kernel holds: the network with its weights, and the
// division.
std::uint64_t fingerprint_of(const Subject& subject);

std::uint64_t fingerprint_of(const Network& network, const Tape& tape);

std::uint64_t fingerprint_of(const AbstractState& known);

}  // namespace tvm::plan
