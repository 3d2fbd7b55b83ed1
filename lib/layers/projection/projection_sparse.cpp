// Sparse projection: only weights that are not zero. For a tile, row by row with positions in lanes;
// for one position, rows that read much the same columns go together with rows in lanes.
#include <algorithm>

#include "layers/projection/sparse_rows.hpp"

namespace tvm {
namespace {

class Sparse final : public Projection {
 public:
  Sparse(const Rows& rows, const Places& places) : Sparse(rows, places, arrange(rows, places)) {}

  void one(const double* x, double* y) const override {
    for (const std::int32_t row : empty_) y[row] = 0.0;
    each_row(x, [y](std::int32_t row, double sum) { y[row] = sum; });
  }
  void tile(const double* x, double* y) const override {
    for (const std::int32_t row : empty_)
      std::fill_n(y + static_cast<std::size_t>(row) * kLanes, kLanes, 0.0);
    kernels_.sparse(rows_.view(), x, y);
  }
  void add_one(const double* x, double* y, double*) const override {
    each_row(x, [y](std::int32_t row, double sum) { y[row] += sum; });
  }
  void add_tile(const double* x, double* y, double*) const override {
    kernels_.sparse_add(rows_.view(), x, y);
  }

 private:
  // Which rows have entries, and of these, which go into slices for one position and which stay alone.
  struct Arrangement {
    std::vector<std::size_t> full, sliced, single;
    std::vector<std::int32_t> empty, identity;
  };

  // A slice costs a vector operation per column of any of its rows, and the additions of a slice wait for
  // each other: it must save at least half of the scalar operations, unless it is short.
  static constexpr std::size_t kShort = 16;

  static Arrangement arrange(const Rows& rows, const Places& places) {
    Arrangement a;
    std::vector<std::vector<std::size_t>> patterns;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      patterns.push_back(pattern_of(rows[row], places));
      a.identity.push_back(static_cast<std::int32_t>(row));
      if (patterns[row].empty())
        a.empty.push_back(static_cast<std::int32_t>(row));
      else
        a.full.push_back(row);
    }
    std::vector<std::size_t> sorted = a.full;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](std::size_t i, std::size_t j) { return patterns[i] < patterns[j]; });
    for (std::size_t first = 0; first < sorted.size(); first += kSlice) {
      const std::size_t last = std::min(first + kSlice, sorted.size());
      std::vector<std::size_t> columns;
      std::size_t entries = 0;
      for (std::size_t i = first; i < last; ++i) {
        const auto& pattern = patterns[sorted[i]];
        columns.insert(columns.end(), pattern.begin(), pattern.end());
        entries += pattern.size();
      }
      std::sort(columns.begin(), columns.end());
      const auto different =
          static_cast<std::size_t>(std::unique(columns.begin(), columns.end()) - columns.begin());
      const bool worth_it = last - first == kSlice && (different <= kShort || 2 * different <= entries);
      auto& kept = worth_it ? a.sliced : a.single;
      kept.insert(kept.end(), sorted.begin() + static_cast<std::ptrdiff_t>(first),
                  sorted.begin() + static_cast<std::ptrdiff_t>(last));
    }
    return a;
  }

  Sparse(const Rows& rows, const Places& places, const Arrangement& a)
      : Projection(rows.size()),
        kernels_(kernels()),
        rows_(rows, a.full, a.identity, places),
        single_(rows, a.single, a.identity, places),
        slices_(rows, a.sliced, places),
        empty_(a.empty) {
    for (const std::size_t row : a.sliced) sliced_.push_back(static_cast<std::int32_t>(row));
  }

  template <class Give>
  void each_row(const double* x, const Give& give) const {
    const SparseRows single = single_.view();
    for (std::size_t row = 0; row < single.rows; ++row) {
      double sum = 0.0;
      for (std::int32_t i = single.starts[row]; i < single.starts[row + 1]; ++i)
        sum += single.weights[i] * x[single.columns[i]];
      give(single.targets[row], sum);
    }
    const RowSlices all = slices_.view();
    for (std::size_t first = 0; first < all.slices; first += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, all.slices - first);
      double sums[kAtOnce * kSlice];
      kernels_.slices({all.starts + first, all.columns, all.weights, count}, x, sums);
      for (std::size_t i = 0; i < count * kSlice; ++i) give(sliced_[first * kSlice + i], sums[i]);
    }
  }

  static constexpr std::size_t kAtOnce = 64;  // slices whose sums lie on the stack

  const Kernels& kernels_;
  SparseMatrix rows_;                 // for tiles: every row that is not empty
  SparseMatrix single_;               // for one position: rows that are better off alone,
  SlicedMatrix slices_;               // and the others,
  std::vector<std::int32_t> sliced_;  // whose rows these are
  std::vector<std::int32_t> empty_;
};

}  // namespace

std::unique_ptr<Projection> make_sparse(const Rows& rows, const Places& places) {
  return std::make_unique<Sparse>(rows, places);
}

}  // namespace tvm
