// Which tokens of the past later positions can read: what a run, or the border of a segment, must hold.
//
// Enters: a network.  Leaves: the columns of its stores that are bases.
//
// A position reads tokens at an index. Mostly that is a *base* and a small offset: the base is the position
// itself, or a position that the newest record of a key holds (where the value on top of the stack begins).
// How small the offset is depends on cases (the opcode, the index of the byte), so that it is proved for each
// tape (specialize/token_reach.hpp). All other reads are *far*: they follow a running sum, such as the cursor
// that fetches instructions, or belong to no case. Programs read the prompt that way, but nothing proves it.
//
// Whoever holds these tokens holds every token that a read which is not far can ask for, now and at later
// positions:
//   * the first kFirst, and the last kRecent before the position that is read next;
//   * of every record, for each base b in it, those at b - kBefore .. b + kBehind.
// (A record that is entered later holds a base at most kWritten before its own position, which is recent.
// That is so far because of `{` on the standard machine, whose record stands for an empty stack.)
// Interpreter::reachable() lists them, and the prompt. A far read is checked against what the interpreter was
// told to be held (Interpreter::hold()): where it is not, the run stops with NotHeld (run/left_plan.hpp).
#pragma once

#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

inline constexpr std::int64_t kBefore = 64, kBehind = 64, kFirst = 64;
inline constexpr std::int64_t kWritten = std::int64_t{1} << 17, kRecent = kWritten + kBefore;

// Columns that hold a position at most kWritten before that of their record.
struct TokenBases {
  std::vector<std::vector<bool>> columns;  // per store and column

  bool has(const Network& network, NodeId found) const {
    const Node& node = network.nodes[found];
    return columns[network.store_of(node)][node.index];
  }
};

TokenBases find_token_bases(const Network& network);

}  // namespace tvm::plan
