// What a head outputs:
//     its key is the position       gather: an index into the past, and token tables read there
//     its keys lie on a parabola    a lookup by integer key
//     all its scores are equal      a mean; times a count it is a running sum
//
// Enters: expressions of the head's rows.  Leaves: those of its outputs, and stores and means of the network.
// What cannot be read off the weights (that a squared key is the square) is checked in every run.
#pragma once

#include <vector>

#include "plan/fold/beginning.hpp"
#include "plan/fold/place.hpp"
#include "plan/ir/network.hpp"

namespace tvm::plan {

struct Head {
  Expr q0, q1, k0, k1, clear;  // model/head_rows.hpp
  double recency = 0;
  bool latest = false;
  bool reads_square = false;  // k1 has, besides, `square` times the squared position
  double square = 0;
  bool read[2] = {false, false};  // whether anybody reads the output
  Expr values[2];
};

class Heads {
 public:
  Heads(Network& net, Beginning& beginning) : net_(net), beginning_(beginning) {}

  // Replaces the head's values by what it outputs.
  void attend(Head& head, const Place& place);

 private:
  std::uint32_t parabola_store(const Head& head, const Place& place);
  std::uint32_t column(std::uint32_t store, const Expr& value);
  Expr mean(const Expr& value, const Expr& key, const Place& place);

  Network& net_;
  Beginning& beginning_;
  std::vector<NodeId> entered_;  // per store: its lookups are nodes from here on
};

}  // namespace tvm::plan
