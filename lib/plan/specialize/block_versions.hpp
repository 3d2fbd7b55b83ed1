// Positions as steps between states of knowledge.
//
// Enters: the plan.  Leaves: for a state, a class of tokens and the cases that are found, the tape to
// run and the state after it. States and tapes are made when a run first needs them, so that a run
// makes those of the instructions that it executes; later positions follow pointers.
//
// The class of a byte token and the state "byte 1 of i32.add comes next, operands found" lead to "byte 2
// ...": nothing is looked up or branched on. After a commit the tape branches on the fetched opcode.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "plan/plan.hpp"
#include "plan/specialize/tape.hpp"

namespace tvm::plan {

// Null until it is made; never changed afterwards.
using Link = std::atomic<Segment*>;

struct State {
  Facts facts;
  std::array<std::vector<Link>, 2> next;  // without and with a prediction; by token class
};

// What every step reads comes first, in one line of the cache.
struct alignas(64) Segment {
  State* after = nullptr;  // null when the tape branches
  Link usual = nullptr;    // the step that followed first: what a processor may go on with
  Tape tape;
  State* from = nullptr;
  std::uint32_t token_class = 0;
  bool predict = false;
  std::vector<Link> targets;  // of the branch
};

// Of all sequences with one first token. Runs follow links without a lock and make what is missing under one.
class Automaton {
 public:
  Automaton(const Plan& plan, std::int32_t first_token);

  State* start() const { return start_; }
  State* nothing_known() const { return nothing_; }
  // In the order in which they were made.
  std::vector<const Segment*> segments() const;

  // What the link leads to, made if it is missing.
  Segment* step(State& state, std::uint32_t token_class, bool predict);
  Segment* target(Segment& branch, std::size_t index);

 private:
  Segment* make_step(State& state, std::uint32_t token_class, bool predict);
  Segment* make_target(Segment& branch, std::size_t index);
  State* intern(Facts facts);
  State* after(const Facts& before, Knowledge& knowledge, const std::vector<std::uint32_t>& cases,
               const Tape& tape, const Tape* branched);
  Segment* add(Tape tape, State& from, std::uint32_t token_class, bool predict);

  const Plan& plan_;
  const std::int32_t first_token_;
  mutable std::mutex mutex_;  // of all that follows
  std::map<Facts, std::unique_ptr<State>> states_;
  std::vector<std::unique_ptr<Segment>> segments_;
  State* start_ = nullptr;
  State* nothing_ = nullptr;
};

}  // namespace tvm::plan
