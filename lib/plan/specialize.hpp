// What positions are told apart by: the class of their token, and a few selectors.
//
// Enters: the network.  Leaves: `Split`.
//
// All small token tables are constant for the tokens of one class. A selector is a group of nodes
// that together take few values and decide many gates: for a machine, the point of the fetched opcode,
// or the index of the byte within its value. Its values are numbered as cases, and code is made for
// each case that occurs (automaton.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "plan/network.hpp"

namespace tvm::plan {

struct Selector {
  std::vector<NodeId> nodes;                      // known together
  std::vector<std::vector<std::int64_t>> values;  // (cases, nodes)
  // How the case is found. A table: case_of[token at position `at`], or case_of[node `at` - low]
  // clamped; else the single node itself counts from low, and what is beyond is "no case".
  enum class By : std::uint8_t { kTokenAt, kFunction, kValue } by = By::kValue;
  NodeId at = 0;
  std::int64_t low = 0;
  std::vector<std::uint32_t> case_of;

  std::uint32_t cases() const { return static_cast<std::uint32_t>(values.size()); }
};

// Values of a selector that no case stands for.
inline constexpr std::uint32_t kNoCase = UINT32_MAX;

struct Split {
  std::vector<std::uint32_t> token_class;          // per token
  std::vector<std::vector<std::int64_t>> classes;  // per class: value of each class node
  std::vector<NodeId> class_nodes;                 // kToken nodes with few values
  std::vector<Selector> selectors;
  std::vector<NodeId> nodes;  // of all selectors
};

Split choose_split(const Network& network, const std::vector<bool>& live);

}  // namespace tvm::plan
