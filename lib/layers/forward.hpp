// The layer path: the network as written, over the positions of one sequence.
//
// Enters: tokens.  Leaves: the greedy prediction after each position that was asked for. Memory is
// some chunks of positions plus the histories of the attention units.
//
// Threads take chunks in turn and carry each through all layers; a chunk follows the one before it
// from attention unit to attention unit, as histories grow in order of position. Nothing else is
// shared, so heads and layers run side by side, on different chunks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "layers/chunk_order.hpp"
#include "layers/prepare.hpp"

namespace tvm {

struct PhaseSeconds {
  double projection = 0.0, attention = 0.0, output = 0.0;
  void add(const PhaseSeconds& other, double share);
};

class Forward {
 public:
  // Most positions of a chunk: long enough to outlast a thread's absence, short enough for the cache.
  static constexpr std::size_t kChunk = 4096;
  static constexpr std::uint64_t kTimed = 64;

  // `integers`: the model has a plan.
  Forward(const Model& model, const LayerOptions& options, bool integers);

  // Reads all of `tokens` (the start of a sequence). The sink gets the predictions after positions
  // from, from + 1, ... in order: the first position, then one prediction each. It returns whether
  // it wants more; once it does not, this sequence can go no further.
  using Sink = std::function<bool(std::size_t position, std::span<const std::int32_t> predictions)>;
  void read(std::span<const std::int32_t> tokens, std::size_t from, const Sink& sink);

  // Reads the last of `tokens`, all others having been read, and returns the prediction after it.
  std::int32_t next(std::span<const std::int32_t> tokens);

  // So far; with several threads their mean, without the time that they waited.
  const PhaseSeconds& seconds() const { return seconds_; }

  // All calls of next() took this long: adds it to the phases, by their shares in the positions that
  // were timed. These are one of kTimed: reading clocks takes longer than a layer.
  void add_next_seconds(double total);

  // No sum so far has depended on its order (sum_order.hpp).
  bool exact() const { return !network_.order->mattered(); }

 private:
  // What a thread needs for a chunk: (tiles, D | rows | D, lanes) and per position.
  struct Workspace {
    std::vector<double> x, projected, attention, recency, change, hidden, scores;
    std::vector<std::int32_t> predictions;
    PhaseSeconds seconds;
    bool timed = true;
  };
  // Where a chunk stands among the others; a chunk that is alone has no order.
  struct Turn {
    ChunkOrder* order;
    std::uint64_t chunk;
  };

  Workspace make_workspace(std::size_t positions) const;
  void run(Workspace& work, const Chunk& chunk, std::size_t from, Turn turn);
  void embed(const Chunk& chunk, const Tiles& x, const Tiles& attention) const;
  void attend(PreparedLayer& layer, std::size_t index, const Chunk& chunk, const Tiles& projected,
              const Tiles& out, Turn turn);
  void feed_forward(const PreparedLayer& layer, Workspace& work, double* x, const double* attention,
                    std::size_t lanes) const;
  void predict(Workspace& work, const Chunk& chunk, const Tiles& x, std::size_t from) const;

  const Model& model_;
  std::size_t width_;
  int threads_;
  double largest_ = 0.0;  // number in a residual slot with which every score is finite
  PreparedNetwork network_;
  std::vector<std::size_t> first_step_;  // per layer: of its attention units in ChunkOrder
  std::size_t steps_ = 0;
  Workspace one_;  // for next()
  PhaseSeconds seconds_;
  std::uint64_t next_ = 0;  // calls of next()
};

}  // namespace tvm
