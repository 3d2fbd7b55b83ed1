#include "layers/attention/attention.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "model/model.hpp"

namespace tvm {
namespace {

// visit(tile, lane, position) for every position of the chunk, in order.
template <class Visit>
void each(const Chunk& chunk, std::size_t lanes, const Visit& visit) {
  for (std::size_t start = 0, tile = 0; start < chunk.count; start += lanes, ++tile)
    for (std::size_t lane = 0; lane < std::min(lanes, chunk.count - start); ++lane)
      visit(tile, lane, chunk.first + start + lane);
}

[[noreturn]] void refuse(const char* what, std::size_t head, std::uint64_t position) {
  throw Error(Status::kLimit,
              sentence("head ", head, ": the ", what, " at position ", position,
                       " is not finite, or so large or small that scores are no longer exact"));
}

// Comparisons of scores are exact up to over- and underflow (exact.hpp): products of two such numbers, and
// their rounding errors, are normal numbers or 0.
inline bool comparable(double n) {
  const double size = std::abs(n);
  return (size >= 0x1p-400 && size <= 0x1p400) || n == 0.0;
}

inline void require_comparable(double a, double b, const char* what, std::size_t head,
                               std::uint64_t position) {
  if (!comparable(a) || !comparable(b)) [[unlikely]]
    refuse(what, head, position);
}

// What a head's values were at earlier positions.
class Past {
 public:
  explicit Past(HeadValues values) : held_(std::move(values)) {}

  std::size_t head() const { return held_.head; }

  void append(const Chunk& chunk, const Tiles& in) {
    if (held_.values.computed) return;
    for (std::size_t start = 0, tile = 0; start < chunk.count; start += in.lanes, ++tile)
      held_.history.append(in.row(tile, held_.values.row0), in.row(tile, held_.values.row1),
                           std::min(in.lanes, chunk.count - start));
  }

  void write(const Chunk& chunk, std::uint64_t position, const Tiles& out, std::size_t tile,
             std::size_t lane) const {
    for (std::size_t c = 0; c < 2; ++c) {
      const Values& v = held_.values;
      out.row(tile, 2 * held_.head + c)[lane] =
          v.computed ? v.slope[c] * static_cast<double>(position) +
                           v.table[2 * static_cast<std::size_t>(chunk.tokens[position]) + c]
                     : held_.history.at(position, static_cast<int>(c));
    }
  }

 private:
  HeadValues held_;
};

class Passthrough final : public AttentionUnit {
 public:
  Passthrough(std::size_t head, std::size_t row0, std::size_t row1) : head_(head), rows_{row0, row1} {}

  void run(const Chunk& chunk, const Tiles& in, const Tiles& out) override {
    for (std::size_t tile = 0; tile * in.lanes < chunk.count; ++tile)
      for (std::size_t c = 0; c < 2; ++c)
        std::copy_n(in.row(tile, rows_[c]), in.lanes, out.row(tile, 2 * head_ + c));
  }

 private:
  std::size_t head_, rows_[2];
};

class Gather final : public AttentionUnit {
 public:
  Gather(std::size_t q0, std::size_t q1, double share, HeadValues values)
      : q0_(q0), q1_(q1), share_(share), past_(std::move(values)) {}

  void run(const Chunk& chunk, const Tiles& in, const Tiles& out) override {
    past_.append(chunk, in);
    each(chunk, in.lanes, [&](std::size_t tile, std::size_t lane, std::uint64_t position) {
      const double q0 = in.row(tile, q0_)[lane], q1 = in.row(tile, q1_)[lane];
      require_comparable(q0, q1, "query", past_.head(), position);
      past_.write(chunk, winner(q0, q1, position), out, tile, lane);
    });
  }

 private:
  std::uint64_t winner(double q0, double q1, std::uint64_t position) const {
    if (q1 == 0.0) return q0 < 0.0 ? 0 : position;
    const double q = q1 == 1.0 ? q0 : q0 / q1;
    if (!(q > 0.0)) return 0;
    if (q >= static_cast<double>(position)) return position;
    const double floor = std::floor(q), fraction = q - floor;
    const auto below = static_cast<std::uint64_t>(floor);
    // Of the two neighbours the newer wins if it is no further away, its recency counted.
    if (fraction == 0.0) return below;
    const auto key = [this](std::uint64_t position) {
      const double p = static_cast<double>(position);
      return exact_key({2.0 * p, -(p * p), share_ * recency(position)});
    };
    return compare_scores(q0, q1, key(below + 1), key(below)) >= 0 ? below + 1 : below;
  }

  std::size_t q0_, q1_;
  double share_;
  Past past_;
};

class Average final : public AttentionUnit {
 public:
  Average(std::size_t q1, std::size_t k1, std::size_t head, std::size_t row0, std::size_t row1)
      : q1_(q1), k1_(k1), head_(head), rows_{row0, row1} {}

  void run(const Chunk& chunk, const Tiles& in, const Tiles& out) override {
    each(chunk, in.lanes, [&](std::size_t tile, std::size_t lane, std::uint64_t) {
      const double key = in.row(tile, k1_)[lane], query = in.row(tile, q1_)[lane];
      const double v0 = in.row(tile, rows_[0])[lane], v1 = in.row(tile, rows_[1])[lane];
      all_.add(v0, v1);
      if (all_.count == 1 || key > high_) high_ = key, highest_ = {};
      if (all_.count == 1 || key < low_) low_ = key, lowest_ = {};
      if (key == high_) highest_.add(v0, v1);
      if (key == low_) lowest_.add(v0, v1);
      const Sums& found = query > 0.0 ? highest_ : query < 0.0 ? lowest_ : all_;
      out.row(tile, 2 * head_)[lane] = found.v0 / static_cast<double>(found.count);
      out.row(tile, 2 * head_ + 1)[lane] = found.v1 / static_cast<double>(found.count);
    });
  }

 private:
  std::size_t q1_, k1_, head_, rows_[2];
  double high_ = 0.0, low_ = 0.0;
  Sums all_, highest_, lowest_;  // over all positions, those with the highest key, the lowest
};

class Search final : public AttentionUnit {
 public:
  Search(const SearchKeys& keys, std::unique_ptr<Finder> finder, std::vector<SearchQuery> queries)
      : keys_(keys), finder_(std::move(finder)) {
    average_rows_[0] = queries.front().heads.front().values.row0;
    average_rows_[1] = queries.front().heads.front().values.row1;
    for (auto& query : queries) {
      Query own{query.q0, query.q1, {}};
      for (auto& head : query.heads) own.heads.emplace_back(std::move(head));
      queries_.push_back(std::move(own));
    }
  }

  void run(const Chunk& chunk, const Tiles& in, const Tiles& out) override {
    if (keys_.latest)
      for (auto& query : queries_)
        for (auto& past : query.heads) past.append(chunk, in);
    each(chunk, in.lanes, [&](std::size_t tile, std::size_t lane, std::uint64_t position) {
      insert(chunk, in, tile, lane, position);
      for (const auto& query : queries_) {
        const double q0 = in.row(tile, query.q0)[lane], q1 = in.row(tile, query.q1)[lane];
        require_comparable(q0, q1, "query", query.heads.front().head(), position);
        const Found found = finder_->find(q0, q1);
        if (keys_.latest) {
          for (const auto& past : query.heads) past.write(chunk, found.newest, out, tile, lane);
        } else {
          const std::size_t row = 2 * query.heads.front().head();
          out.row(tile, row)[lane] = found.sums.v0 / static_cast<double>(found.sums.count);
          out.row(tile, row + 1)[lane] = found.sums.v1 / static_cast<double>(found.sums.count);
        }
      }
    });
  }

 private:
  struct Query {
    std::size_t q0, q1;
    std::vector<Past> heads;
  };

  void insert(const Chunk& chunk, const Tiles& in, std::size_t tile, std::size_t lane,
              std::uint64_t position) {
    const double k0 = in.row(tile, keys_.k0)[lane], k1 = in.row(tile, keys_.k1)[lane];
    const double clear = keys_.has_clear ? in.row(tile, keys_.clear)[lane] : 0.0;
    const Key key{k0, k1, keys_.recency_share * chunk.recency[position - chunk.first]};
    const std::size_t head = queries_.front().heads.front().head();
    require_comparable(k0, k1, "key", head, position);
    require_comparable(clear, key.recency, "key", head, position);
    if (keys_.latest)
      finder_->insert(key, clear, 0.0, 0.0);
    else
      finder_->insert(key, clear, in.row(tile, average_rows_[0])[lane], in.row(tile, average_rows_[1])[lane]);
  }

  SearchKeys keys_;
  std::unique_ptr<Finder> finder_;
  std::vector<Query> queries_;
  std::size_t average_rows_[2];  // AVERAGE: of the one head
};

}  // namespace

std::unique_ptr<AttentionUnit> make_passthrough(std::size_t head, std::size_t row0, std::size_t row1) {
  return std::make_unique<Passthrough>(head, row0, row1);
}

std::unique_ptr<AttentionUnit> make_gather(std::size_t q0, std::size_t q1, double share, std::size_t head,
                                           Values values) {
  return std::make_unique<Gather>(q0, q1, share, HeadValues{head, std::move(values), {}});
}

std::unique_ptr<AttentionUnit> make_average(std::size_t q1, std::size_t k1, std::size_t head,
                                            std::size_t row0, std::size_t row1) {
  return std::make_unique<Average>(q1, k1, head, row0, row1);
}

std::unique_ptr<AttentionUnit> make_search(const SearchKeys& keys, std::unique_ptr<Finder> finder,
                                           std::vector<SearchQuery> queries) {
  return std::make_unique<Search>(keys, std::move(finder), std::move(queries));
}

}  // namespace tvm
