#include "layers/projection/sparse_rows.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "base/error.hpp"

namespace tvm {
namespace {

std::int32_t place_of(std::size_t column, const Places& places) {
  return places.empty() ? static_cast<std::int32_t>(column) : places[column];
}

// Kernels count entries in 32 bits.
std::int32_t checked_count(std::size_t entries) {
  if (entries > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw Error(Status::kLimit, "projection sparse: a matrix has more than 2^31 weights that are not zero");
  return static_cast<std::int32_t>(entries);
}

}  // namespace

std::vector<std::size_t> pattern_of(const Row& row, const Places& places) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i] != 0.0 && place_of(i, places) != kNoPlace) columns.push_back(i);
  return columns;
}

SparseMatrix::SparseMatrix(const Rows& rows, const std::vector<std::size_t>& order,
                           const std::vector<std::int32_t>& targets, const Places& places) {
  for (const std::size_t row : order) {
    for (const std::size_t column : pattern_of(rows[row], places)) {
      columns_.push_back(place_of(column, places));
      weights_.push_back(rows[row][column]);
    }
    starts_.push_back(checked_count(columns_.size()));
    targets_.push_back(targets[row]);
  }
}

SlicedMatrix::SlicedMatrix(const Rows& rows, const std::vector<std::size_t>& order, const Places& places) {
  for (std::size_t first = 0; first < order.size(); first += kSlice) {
    const std::size_t count = std::min(kSlice, order.size() - first);
    std::set<std::size_t> columns;
    for (std::size_t i = 0; i < count; ++i)
      for (const std::size_t column : pattern_of(rows[order[first + i]], places)) columns.insert(column);
    for (const std::size_t column : columns) {
      columns_.push_back(place_of(column, places));
      for (std::size_t i = 0; i < kSlice; ++i)
        weights_.push_back(i < count ? rows[order[first + i]][column] : 0.0);
    }
    starts_.push_back(checked_count(columns_.size()));
  }
}

}  // namespace tvm
