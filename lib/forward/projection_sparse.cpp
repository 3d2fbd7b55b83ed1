// Sparse projection: only weights that are not zero. For a tile, row by row with positions in lanes;
// for one position, rows that read the same columns go together with rows in lanes.
#include <algorithm>
#include <map>

#include "forward/kernels.hpp"
#include "forward/projection.hpp"

namespace tvm {
namespace {

class Sparse final : public Projection {
 public:
  explicit Sparse(const Rows& rows) : kernels_(kernels()) {
    std::map<std::vector<std::int32_t>, std::vector<std::size_t>> patterns;
    starts_.push_back(0);
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::vector<std::int32_t> columns;
      for (std::size_t i = 0; i < rows[row].size(); ++i) {
        if (rows[row][i] == 0.0) continue;
        columns.push_back(static_cast<std::int32_t>(i));
        weights_.push_back(rows[row][i]);
      }
      columns_.insert(columns_.end(), columns.begin(), columns.end());
      starts_.push_back(static_cast<std::int32_t>(columns_.size()));
      patterns[columns].push_back(row);
    }
    for (const auto& [columns, members] : patterns) {
      if (columns.empty()) zero_.insert(zero_.end(), members.begin(), members.end());
      else if (members.size() < kLeast) single_.insert(single_.end(), members.begin(), members.end());
      else add_block(rows, columns, members);
    }
  }

  void one(const double* x, double* y) const override {
    for (const std::size_t row : zero_) y[row] = 0.0;
    for (const std::size_t row : single_) {
      double sum = 0.0;
      for (std::int32_t i = starts_[row]; i < starts_[row + 1]; ++i) sum += weights_[i] * x[columns_[i]];
      y[row] = sum;
    }
    for (const Block& block : blocks_) {
      double part[kPart];
      kernels_.block({block.columns.data(), block.weights.data(), block.columns.size(), block.padded}, x, part);
      for (std::size_t i = 0; i < block.members.size(); ++i) y[block.members[i]] = part[i];
    }
  }

  void tile(const double* x, double* y) const override {
    kernels_.sparse({starts_.data(), columns_.data(), weights_.data(), starts_.size() - 1}, x, y);
  }

 private:
  static constexpr std::size_t kLeast = 4;    // rows that make a block of kRowStep worth it
  static constexpr std::size_t kPart = 1024;  // rows of a block
  struct Block {
    std::vector<std::int32_t> columns;
    std::vector<std::size_t> members;
    std::vector<double> weights;  // (columns, padded)
    std::size_t padded;
  };

  void add_block(const Rows& rows, const std::vector<std::int32_t>& columns, const std::vector<std::size_t>& members) {
    for (std::size_t first = 0; first < members.size(); first += kPart) {
      const std::size_t count = std::min(kPart, members.size() - first);
      Block block{columns, {}, {}, (count + kRowStep - 1) / kRowStep * kRowStep};
      block.members.assign(members.begin() + static_cast<std::ptrdiff_t>(first),
                           members.begin() + static_cast<std::ptrdiff_t>(first + count));
      block.weights.assign(columns.size() * block.padded, 0.0);
      for (std::size_t c = 0; c < columns.size(); ++c)
        for (std::size_t i = 0; i < count; ++i)
          block.weights[c * block.padded + i] = rows[block.members[i]][static_cast<std::size_t>(columns[c])];
      blocks_.push_back(std::move(block));
    }
  }

  const Kernels& kernels_;
  std::vector<std::int32_t> starts_, columns_;
  std::vector<double> weights_;
  std::vector<std::size_t> zero_, single_;
  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Projection> make_sparse(const Rows& rows) { return std::make_unique<Sparse>(rows); }

}  // namespace tvm
