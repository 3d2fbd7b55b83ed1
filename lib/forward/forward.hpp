// The layer path: the network as written, over the positions of one sequence.
//
// Enters: tokens, in chunks of consecutive positions.  Leaves: the greedy prediction after each
// position that was asked for. Memory is a chunk plus the histories of the attention units.
#pragma once

#include <cstdint>
#include <vector>

#include "forward/network.hpp"

namespace tvm {

struct PhaseSeconds {
  double projection = 0.0, attention = 0.0, output = 0.0;
};

class Forward {
 public:
  // Positions of one call of run(): enough tiles to keep threads busy between barriers.
  static constexpr std::size_t kChunk = 4096;

  Forward(const Model& model, const tvm_options& options);

  // Runs positions first .. first + count of `tokens` (count <= kChunk; positions before `first` have
  // been run). predictions[i] is set for i in [from, count): the token after position first + i.
  void run(const std::int32_t* tokens, std::uint64_t first, std::size_t count, std::size_t from,
           std::int32_t* predictions);

  const PhaseSeconds& seconds() const { return seconds_; }

 private:
  void embed(const Chunk& chunk, const Tiles& x) const;
  void feed_forward(const PreparedLayer& layer, double* x, const double* attention, std::size_t lanes) const;
  void predict(const Chunk& chunk, const Tiles& x, std::size_t from, std::int32_t* predictions) const;

  const Model& model_;
  std::size_t width_;
  int threads_;
  Network network_;
  std::vector<double> x_, projected_, attention_;  // (tiles, D | rows | D, lanes)
  std::vector<double> recency_;
  PhaseSeconds seconds_;
};

}  // namespace tvm
