// Positions as steps between states of knowledge.
//
// Enters: the plan.  Leaves: for a state, a class of tokens and the cases that are found, the tape to
// run and the state after it. States and tapes are made when a run first needs them, so that a run
// makes those of the instructions that it executes; later positions follow pointers.
//
// The class of a byte token and the state "byte 1 of i32.add comes next, operands found" lead to "byte 2 ...":
// nothing is looked up or branched on. After a commit the tape branches on the fetched opcode.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "plan/plan.hpp"
#include "plan/tape.hpp"

namespace tvm::plan {

struct Segment;

struct State {
  Facts facts;
  std::array<std::vector<Segment*>, 2> next;  // without and with a prediction; by token class
};

struct Segment {
  Tape tape;
  State* from = nullptr;
  State* after = nullptr;  // null when the tape branches
  std::uint32_t token_class = 0;
  bool predict = false;
  std::vector<Segment*> targets;  // of the branch
};

// Of one sequence, whose first token is known.
class Automaton {
 public:
  Automaton(const Plan& plan, std::int32_t first_token);

  State* start() const { return start_; }
  State* nothing_known() const { return nothing_; }
  // In the order in which they were made.
  const std::vector<std::unique_ptr<Segment>>& segments() const { return segments_; }

  Segment* step(State& state, std::uint32_t token_class, bool predict);
  Segment* target(Segment& branch, std::size_t index);

 private:
  State* intern(Facts facts);
  State* after(const Facts& before, Knowledge& knowledge, const std::vector<std::uint32_t>& cases,
               const Tape& tape, const Tape* branched);
  Segment* add(Tape tape, State& from, std::uint32_t token_class, bool predict);

  const Plan& plan_;
  const std::int32_t first_token_;
  std::map<Facts, std::unique_ptr<State>> states_;
  std::vector<std::unique_ptr<Segment>> segments_;
  State* start_ = nullptr;
  State* nothing_ = nullptr;
};

}  // namespace tvm::plan
