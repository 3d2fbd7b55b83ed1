#include "layers/output_head.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "layers/head_envelope.hpp"
#include "layers/projection/sparse_rows.hpp"

namespace tvm {
namespace {

constexpr OutputHead::Choice kNone{-HUGE_VAL, -1.0};

// All rows, projected in pieces small enough that the scores of a piece stay in cache.
class ProjectedHead final : public OutputHead {
 public:
  ProjectedHead(Variant variant, const Rows& rows, std::size_t width, SumOrder& order) {
    for (std::size_t first = 0; first < rows.size(); first += kPiece) {
      Piece piece;
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first);
      const std::size_t count = std::min(kPiece, rows.size() - first);
      piece.scores =
          make_projection(variant, Rows(begin, begin + static_cast<std::ptrdiff_t>(count)), width, order);
      for (std::size_t i = 0; i < count; ++i) piece.ids.push_back(static_cast<double>(first + i));
      pieces_.push_back(std::move(piece));
    }
  }

  std::size_t scratch_rows() const override { return kPiece; }

  Choice one(const double* x, double* scratch) const override {
    Choice best = kNone;
    for (const Piece& piece : pieces_) {
      piece.scores->one(x, scratch);
      for (std::size_t i = 0; i < piece.ids.size(); ++i)
        if (scratch[i] > best.score) best = {scratch[i], piece.ids[i]};
    }
    return best;
  }

  void tile(const double* x, double* scratch, double* score, double* token) const override {
    std::fill_n(score, kLanes, kNone.score);
    std::fill_n(token, kLanes, kNone.token);
    for (const Piece& piece : pieces_) {
      piece.scores->tile(x, scratch);
      kernels().argmax(scratch, piece.ids.size(), piece.ids.data(), score, token);
    }
  }

 private:
  static constexpr std::size_t kPiece = 128;
  struct Piece {
    std::unique_ptr<Projection> scores;
    std::vector<double> ids;
  };
  std::vector<Piece> pieces_;
};

// Distinct rows, the argmax taken while they are summed: equal rows never win over the first of them.
class SparseHead final : public OutputHead {
 public:
  explicit SparseHead(const Rows& rows) : SparseHead(rows, distinct(rows)) {}

  std::size_t scratch_rows() const override { return envelope_ ? envelope_->scratch_rows() : 0; }

  Choice one(const double* x, double* scratch) const override {
    if (Choice choice; envelope_ && envelope_->one(x, scratch, choice)) return choice;
    double score[kSlice], token[kSlice];
    std::fill_n(score, kSlice, kNone.score);
    std::fill_n(token, kSlice, kNone.token);
    kernels_.slices_argmax(slices_.view(), slice_ids_.data(), x, score, token);
    Choice best = kNone;
    for (std::size_t i = 0; i < kSlice; ++i)
      if (score[i] > best.score || (score[i] == best.score && token[i] < best.token))
        best = {score[i], token[i]};
    return best;
  }

  void tile(const double* x, double* scratch, double* score, double* token) const override {
    if (envelope_ && envelope_->tile(x, scratch, score, token)) return;
    std::fill_n(score, kLanes, kNone.score);
    std::fill_n(token, kLanes, kNone.token);
    kernels_.sparse_argmax(rows_.view(), x, score, token);
  }

 private:
  using Ids = std::vector<std::size_t>;

  static Ids distinct(const Rows& rows) {
    std::set<Row> seen;
    Ids order;
    for (std::size_t id = 0; id < rows.size(); ++id)
      if (seen.insert(rows[id]).second) order.push_back(id);
    return order;
  }

  // Rows that read the same slots side by side.
  static Ids by_pattern(const Rows& rows, Ids order) {
    std::map<std::size_t, std::vector<std::size_t>> patterns;
    for (const std::size_t id : order) patterns[id] = pattern_of(rows[id]);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return patterns[i] < patterns[j]; });
    // The last slice is filled up with its last row, which again can only tie with itself.
    while (order.size() % kSlice != 0) order.push_back(order.back());
    return order;
  }

  static std::vector<std::int32_t> ids_of(const Rows& rows) {
    std::vector<std::int32_t> ids;
    for (std::size_t id = 0; id < rows.size(); ++id) ids.push_back(static_cast<std::int32_t>(id));
    return ids;
  }

  SparseHead(const Rows& rows, const Ids& order)
      : kernels_(kernels()),
        rows_(rows, order, ids_of(rows)),
        slices_(rows, by_pattern(rows, order)),
        envelope_(HeadEnvelope::make(rows)) {
    for (const std::size_t id : by_pattern(rows, order)) slice_ids_.push_back(static_cast<double>(id));
  }

  const Kernels& kernels_;
  SparseMatrix rows_;  // ids ascending: the first of equal scores wins
  SlicedMatrix slices_;
  std::vector<double> slice_ids_;           // (slices, kSlice)
  std::unique_ptr<HeadEnvelope> envelope_;  // null: there is none
};

}  // namespace

std::unique_ptr<OutputHead> make_output_head(Variant variant, const Model& model, SumOrder& order) {
  const auto width = static_cast<std::size_t>(model.width);
  const Rows rows = rows_of(model.head, width);
  if (variant == Variant::kSparse) return std::make_unique<SparseHead>(rows);
  return std::make_unique<ProjectedHead>(variant, rows, width, order);
}

}  // namespace tvm
