#include "layers/forward.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "layers/kernels/kernels.hpp"

namespace tvm {
namespace {

// Adds the time since the last lap to a phase.
class Stopwatch {
 public:
  explicit Stopwatch(bool runs) : runs_(runs) {
    if (runs_) since_ = Clock::now();
  }
  void lap(double& phase) {
    if (!runs_) return;
    const auto now = Clock::now();
    phase += std::chrono::duration<double>(now - std::exchange(since_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool runs_;
  Clock::time_point since_;
};

void apply(const Projection& projection, const double* x, double* y, std::size_t lanes) {
  if (lanes == 1)
    projection.one(x, y);
  else
    projection.tile(x, y);
}

void apply_add(const Projection& projection, const double* x, double* y, double* scratch, std::size_t lanes) {
  if (lanes == 1)
    projection.add_one(x, y, scratch);
  else
    projection.add_tile(x, y, scratch);
}

// A running sum comes back as count * (sum / count), off by an ulp now and then. What is this close
// to an integer is that integer: rounding moves it by less than its own error.
double whole_if_near(double product) {
  const double whole = std::rint(product);
  return std::abs(product - whole) <= std::abs(product) * 0x1p-50 ? whole : product;
}

}  // namespace

void PhaseSeconds::add(const PhaseSeconds& other, double share) {
  projection += other.projection * share;
  attention += other.attention * share;
  output += other.output * share;
}

Forward::Forward(const Model& model, const LayerOptions& options, bool integers)
    : model_(model),
      width_(static_cast<std::size_t>(model.width)),
      threads_(usable_threads(options.threads)),
      network_(prepare(model, options, integers)) {
  for (const auto& layer : network_.layers) {
    first_step_.push_back(steps_);
    steps_ += layer.units.size();
  }
  double heaviest = 1.0;
  for (std::size_t row = 0; row < model.head.size(); row += width_) {
    double sum = 0.0;
    for (std::size_t slot = 0; slot < width_; ++slot) sum += std::abs(model.head[row + slot]);
    heaviest = std::max(heaviest, sum);
  }
  largest_ = std::numeric_limits<double>::max() / 2 / heaviest;
  one_ = make_workspace(1);
  if (network_.variant == Variant::kBlas) keep_blas_to_one_thread();
}

Forward::Workspace Forward::make_workspace(std::size_t positions) const {
  std::size_t most = 0, hidden = 0;
  for (const auto& layer : network_.layers) {
    most = std::max(most, layer.projected);
    if (layer.neurons) hidden = std::max(hidden, layer.neurons->room());
  }
  const std::size_t lanes = positions == 1 ? 1 : kLanes;
  const std::size_t padded = (positions + lanes - 1) / lanes * lanes;
  Workspace work;
  work.x.resize(padded * width_);
  work.attention.resize(padded * width_);
  work.projected.resize(padded * most);
  work.recency.resize(positions);
  work.predictions.resize(positions);
  work.change.resize(width_ * lanes);
  work.hidden.resize(hidden * lanes);
  work.scores.resize(network_.output->scratch_rows() * lanes);
  return work;
}

void Forward::embed(const Chunk& chunk, const Tiles& x, const Tiles& attention) const {
  for (std::size_t i = 0; i < chunk.count; ++i) {
    const double* row = &model_.embedding[static_cast<std::size_t>(chunk.tokens[chunk.first + i]) * width_];
    double* to = x.row(i / x.lanes, 0) + i % x.lanes;
    for (std::size_t slot = 0; slot < width_; ++slot) to[slot * x.lanes] = row[slot];
    const double position = static_cast<double>(chunk.first + i);
    to[kPosition * x.lanes] += position;
    to[kRecency * x.lanes] += chunk.recency[i];
    to[kPositionSquared * x.lanes] += position * position;
  }
  // Lanes beyond the last position hold what some other chunk left there: nothing that may be looked at.
  if (const std::size_t used = chunk.count % x.lanes; used != 0)
    for (const Tiles& tiles : {x, attention})
      for (std::size_t slot = 0; slot < width_; ++slot)
        std::fill_n(tiles.row(chunk.count / x.lanes, slot) + used, x.lanes - used, 0.0);
}

void Forward::feed_forward(const PreparedLayer& layer, Workspace& work, double* x, const double* attention,
                           std::size_t lanes) const {
  const auto erase = [&](const std::vector<std::int32_t>& slots) {
    for (const auto slot : slots) std::fill_n(x + static_cast<std::size_t>(slot) * lanes, lanes, 0.0);
  };
  double *change = work.change.data(), *hidden = work.hidden.data();
  SumOrder& order = *network_.order;
  const bool watched = layer.sums && !order.mattered();

  if (watched && !layer.sums->out.hold(attention, lanes)) order.matters();
  apply_add(*layer.out, attention, x, change, lanes);
  erase(layer.attention_erase);
  if (layer.neurons) {
    if (watched && !layer.sums->in.hold(x, lanes)) order.matters();
    if (lanes == 1)
      layer.neurons->one(x, hidden);
    else
      layer.neurons->tile(x, hidden);
    for (const std::size_t row : layer.running_sums)
      for (std::size_t lane = 0; lane < lanes; ++lane)
        hidden[row * lanes + lane] = whole_if_near(hidden[row * lanes + lane]);
    if (watched && !layer.sums->ffn.hold(hidden, lanes)) order.matters();
    apply_add(*layer.ffn, hidden, x, change, lanes);
  }
  erase(layer.ffn_erase);
}

void Forward::attend(PreparedLayer& layer, std::size_t index, const Chunk& chunk, const Tiles& projected,
                     const Tiles& out, Turn turn) {
  for (std::size_t i = 0; i < layer.units.size(); ++i) {
    const std::size_t step = first_step_[index] + i;
    if (turn.order != nullptr) turn.order->wait(step, turn.chunk);
    try {
      layer.units[i]->run(chunk, projected, out);
    } catch (const Error& error) {
      throw Error(error.status(), sentence("layer ", index, ", ", error.what()));
    }
    if (turn.order != nullptr) turn.order->pass(step, turn.chunk);
  }
}

void Forward::predict(Workspace& work, const Chunk& chunk, const Tiles& x, std::size_t from) const {
  for (std::size_t tile = from / x.lanes; tile * x.lanes < chunk.count; ++tile) {
    double score[kLanes], token[kLanes];
    if (network_.scores && !network_.order->mattered() && !network_.scores->hold(x.row(tile, 0), x.lanes))
      network_.order->matters();
    if (x.lanes == 1) {
      const OutputHead::Choice choice = network_.output->one(x.row(tile, 0), work.scores.data());
      score[0] = choice.score, token[0] = choice.token;
    } else {
      network_.output->tile(x.row(tile, 0), work.scores.data(), score, token);
    }
    for (std::size_t i = std::max(from, tile * x.lanes); i < std::min(chunk.count, (tile + 1) * x.lanes);
         ++i) {
      // A score that is not finite need not be the highest.
      bool finite = std::isfinite(score[i % x.lanes]);
      for (std::size_t slot = 0; slot < width_; ++slot)
        finite &= std::abs(x.row(tile, slot)[i % x.lanes]) <= largest_;
      if (!finite)
        throw Error(Status::kLimit,
                    sentence("the scores after position ", chunk.first + i, " are not finite"));
      work.predictions[i] = static_cast<std::int32_t>(token[i % x.lanes]);
    }
  }
}

void Forward::run(Workspace& work, const Chunk& chunk, std::size_t from, Turn turn) {
  const std::size_t lanes = work.recency.size() == 1 ? 1 : kLanes;
  const std::size_t tiles = (chunk.count + lanes - 1) / lanes;
  const Tiles x{work.x.data(), width_, lanes}, attention{work.attention.data(), width_, lanes};
  Stopwatch watch(work.timed);
  for (std::size_t i = 0; i < chunk.count; ++i) work.recency[i] = recency(chunk.first + i);
  embed(chunk, x, attention);
  for (std::size_t l = 0; l < network_.layers.size(); ++l) {
    PreparedLayer& layer = network_.layers[l];
    const Tiles projected{work.projected.data(), layer.projected, lanes};
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      if (l > 0) feed_forward(network_.layers[l - 1], work, x.row(tile, 0), attention.row(tile, 0), lanes);
      if (layer.sums && !network_.order->mattered() && !layer.sums->qkv.hold(x.row(tile, 0), lanes))
        network_.order->matters();
      apply(*layer.qkv, x.row(tile, 0), projected.row(tile, 0), lanes);
    }
    for (std::size_t tile = 0; tile < tiles; ++tile)
      for (const std::size_t head : layer.idle_heads)
        std::fill_n(attention.row(tile, 2 * head), 2 * lanes, 0.0);
    watch.lap(work.seconds.projection);
    attend(layer, l, chunk, projected, attention, turn);
    watch.lap(work.seconds.attention);
  }
  for (std::size_t tile = 0; tile < tiles; ++tile)
    feed_forward(network_.layers.back(), work, x.row(tile, 0), attention.row(tile, 0), lanes);
  watch.lap(work.seconds.projection);
  if (from < chunk.count) predict(work, chunk, x, from);
  watch.lap(work.seconds.output);
}

void Forward::read(std::span<const std::int32_t> tokens, std::size_t from, const Sink& sink) {
  // Short sequences still give every thread several chunks.
  const std::size_t share = tokens.size() / (8 * static_cast<std::size_t>(threads_)) / kLanes * kLanes;
  const std::size_t size = std::clamp(share, kLanes, kChunk);
  const std::uint64_t chunks = (tokens.size() + size - 1) / size;
  ChunkOrder order(steps_ + 1);
  if (chunks == 0 || !order.stop_after(chunks - 1)) return;
  std::mutex mutex;
  std::exception_ptr failure;  // of the earliest chunk that failed
  std::uint64_t failed = 0;
  std::vector<PhaseSeconds> seconds;
  on_threads(static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(threads_), chunks)), [&] {
    std::uint64_t index = 0;
    try {
      Workspace work = make_workspace(std::max<std::size_t>(size, 2));
      while (order.take(index)) {
        const std::size_t first = index * size, count = std::min(size, tokens.size() - first);
        const std::size_t start = from > first ? std::min(from - first, count) : 0;
        run(work, {first, count, tokens.data(), work.recency.data()}, start, {&order, index});
        order.wait(steps_, index);
        const std::span<const std::int32_t> found(work.predictions.data() + start, count - start);
        if (!found.empty() && !sink(first + start, found)) order.stop_after(index);
        order.pass(steps_, index);
      }
      const std::lock_guard lock(mutex);
      seconds.push_back(work.seconds);
    } catch (const ChunkOrder::Stopped&) {
    } catch (...) {
      const std::lock_guard lock(mutex);
      // Later chunks may have failed first, or only because of this one.
      if (order.stop_after(index)) failure = std::current_exception(), failed = index;
    }
  });
  for (const auto& each : seconds) seconds_.add(each, 1.0 / static_cast<double>(seconds.size()));
  // An earlier chunk may have ended the run in good order.
  if (failure && order.last() == failed) std::rethrow_exception(failure);
}

std::int32_t Forward::next(std::span<const std::int32_t> tokens) {
  one_.timed = next_++ % kTimed == 0;
  run(one_, {tokens.size() - 1, 1, tokens.data(), one_.recency.data()}, 0, {nullptr, 0});
  return one_.predictions[0];
}

void Forward::add_next_seconds(double total) {
  const PhaseSeconds sample = std::exchange(one_.seconds, {});
  const double sum = sample.projection + sample.attention + sample.output;
  if (sum > 0.0) seconds_.add(sample, total / sum);
}

}  // namespace tvm
