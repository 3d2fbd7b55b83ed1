#include "forward/forward.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "api/error.hpp"
#include "forward/kernels.hpp"
#include "forward/threads.hpp"

namespace tvm {
namespace {

using Clock = std::chrono::steady_clock;

double lap(Clock::time_point& since) {
  const auto now = Clock::now();
  return std::chrono::duration<double>(now - std::exchange(since, now)).count();
}

void apply(const Projection& projection, const double* x, double* y, std::size_t lanes) {
  if (lanes == 1) projection.one(x, y);
  else projection.tile(x, y);
}

// A running sum comes back as count * (sum / count), off by an ulp now and then. What is this close
// to an integer is that integer: rounding moves it by less than its own error.
double whole_if_near(double product) {
  const double whole = std::rint(product);
  return std::abs(product - whole) <= std::abs(product) * 0x1p-50 ? whole : product;
}

}  // namespace

Forward::Forward(const Model& model, const tvm_options& options)
    : model_(model), width_(static_cast<std::size_t>(model.width)), threads_(usable_threads(options.threads)),
      network_(prepare(model, options)) {
#if defined(_OPENMP)
  set_blas_threads(1);  // tiles and heads already share the threads out
#else
  set_blas_threads(options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency()));
#endif
  std::size_t most = 0;
  for (const auto& layer : network_.layers) most = std::max(most, layer.projected);
  x_.resize(kChunk * width_);
  attention_.resize(kChunk * width_);
  projected_.resize(kChunk * most);
  recency_.resize(kChunk);
}

void Forward::embed(const Chunk& chunk, const Tiles& x) const {
  for (std::size_t i = 0; i < chunk.count; ++i) {
    const double* row = &model_.embedding[static_cast<std::size_t>(chunk.tokens[chunk.first + i]) * width_];
    double* to = x.row(i / x.lanes, 0) + i % x.lanes;
    for (std::size_t slot = 0; slot < width_; ++slot) to[slot * x.lanes] = row[slot];
    const double position = static_cast<double>(chunk.first + i);
    to[kPosition * x.lanes] += position;
    to[kRecency * x.lanes] += chunk.recency[i];
    to[kPositionSquared * x.lanes] += position * position;
  }
}

void Forward::feed_forward(const PreparedLayer& layer, double* x, const double* attention, std::size_t lanes) const {
  thread_local std::vector<double> change, hidden;
  const std::size_t size = width_ * lanes, neurons = layer.neurons * lanes;
  change.resize(size);
  hidden.resize(2 * neurons);
  const auto erase = [&](const std::vector<std::int32_t>& slots) {
    for (const auto slot : slots) std::fill_n(x + static_cast<std::size_t>(slot) * lanes, lanes, 0.0);
  };

  apply(*layer.out, attention, change.data(), lanes);
  for (std::size_t i = 0; i < size; ++i) x[i] += change[i];
  erase(layer.attention_erase);

  if (neurons > 0) {
    apply(*layer.in, x, hidden.data(), lanes);
    for (std::size_t i = 0; i < neurons; ++i) hidden[i] = std::max(0.0, hidden[i]) * hidden[neurons + i];
    for (const std::size_t neuron : layer.running_sums)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        hidden[neuron * lanes + lane] = whole_if_near(hidden[neuron * lanes + lane]);
    apply(*layer.ffn, hidden.data(), change.data(), lanes);
    for (std::size_t i = 0; i < size; ++i) x[i] += change[i];
  }
  erase(layer.ffn_erase);
}

void Forward::predict(const Chunk& chunk, const Tiles& x, std::size_t from, std::int32_t* predictions) const {
  const std::size_t tiles = (chunk.count + x.lanes - 1) / x.lanes, first_tile = from / x.lanes;
  parallel_for(x.lanes == 1 ? 1 : threads_, tiles - first_tile, [&](std::size_t index) {
    const std::size_t tile = first_tile + index;
    thread_local std::vector<double> scores;
    scores.resize(kPiece * x.lanes);
    double best[kLanes], best_id[kLanes];
    std::fill_n(best, x.lanes, -HUGE_VAL);
    std::fill_n(best_id, x.lanes, -1.0);
    for (const OutputPiece& piece : network_.output) {
      apply(*piece.scores, x.row(tile, 0), scores.data(), x.lanes);
      if (x.lanes == kLanes) {
        kernels().argmax(scores.data(), piece.ids.size(), piece.ids.data(), best, best_id);
        continue;
      }
      for (std::size_t i = 0; i < piece.ids.size(); ++i)
        if (scores[i] > best[0]) best[0] = scores[i], best_id[0] = piece.ids[i];
    }
    for (std::size_t i = std::max(from, tile * x.lanes); i < std::min(chunk.count, (tile + 1) * x.lanes); ++i) {
      if (!std::isfinite(best[i % x.lanes]))
        throw Error(TVM_ERROR_LIMIT, sentence("the scores after position ", chunk.first + i, " are not finite"));
      predictions[i] = static_cast<std::int32_t>(best_id[i % x.lanes]);
    }
  });
}

void Forward::run(const std::int32_t* tokens, std::uint64_t first, std::size_t count, std::size_t from,
                  std::int32_t* predictions) {
  const std::size_t lanes = count == 1 ? 1 : kLanes;
  const std::size_t tiles = (count + lanes - 1) / lanes;
  // The work of one position is shorter than waking a thread.
  const int threads = count == 1 ? 1 : threads_;
  for (std::size_t i = 0; i < count; ++i) recency_[i] = recency(first + i);
  const Chunk chunk{first, count, tokens, recency_.data()};
  const Tiles x{x_.data(), width_, lanes}, attention{attention_.data(), width_, lanes};
  auto since = Clock::now();
  embed(chunk, x);
  for (std::size_t l = 0; l < network_.layers.size(); ++l) {
    PreparedLayer& layer = network_.layers[l];
    const Tiles projected{projected_.data(), layer.projected, lanes};
    parallel_for(threads, tiles, [&](std::size_t tile) {
      if (l > 0) feed_forward(network_.layers[l - 1], x.row(tile, 0), attention.row(tile, 0), lanes);
      apply(*layer.qkv, x.row(tile, 0), projected.row(tile, 0), lanes);
      std::fill_n(attention.row(tile, 0), width_ * lanes, 0.0);
    });
    seconds_.projection += lap(since);
    parallel_for(threads, layer.units.size(), [&](std::size_t unit) {
      try {
        layer.units[unit]->run(chunk, projected, attention);
      } catch (const Error& error) {
        throw Error(error.status(), sentence("layer ", l, ", ", error.what()));
      }
    });
    seconds_.attention += lap(since);
  }
  parallel_for(threads, tiles, [&](std::size_t tile) {
    feed_forward(network_.layers.back(), x.row(tile, 0), attention.row(tile, 0), lanes);
  });
  seconds_.projection += lap(since);
  if (from < count) predict(chunk, x, from, predictions);
  seconds_.output += lap(since);
}

}  // namespace tvm
