// Newest record by integer key, with the nearest key where the key itself is absent.
//
// Enters: keys and records (rows of integers).  Leaves: the record that exact attention on parabola keys
// picks: least |query - key|, then newest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

namespace tvm::plan {

class RecordStore {
 public:
  explicit RecordStore(std::size_t width) : stride_(width + 1) { grow(64); }

  bool empty() const { return count_ == 0; }

  // The record of `key`, a new one where there is none. Records keep their indices.
  std::uint32_t place(std::int64_t key) {
    Cell* cell = find(key);
    return (cell->record == kNone ? enter(key) : cell)->record;
  }

  // The row of a record, to be written over by the position `now`.
  std::int64_t* write(std::uint32_t record, std::int64_t now) {
    std::int64_t* row = records_.data() + record * stride_;
    *row = now;
    return row + 1;
  }

  // The row of the record of `key`; null where there is none.
  const std::int64_t* get(std::int64_t key) const {
    const Cell* cell = find(key);
    return cell->record == kNone ? nullptr : row(cell->record);
  }

  // The index of the record nearest to `query`. Not to be called on an empty store.
  std::size_t nearest(std::int64_t query) const {
    const Cell* cell = find(query);
    return cell->record != kNone ? cell->record : nearest_of_others(query);
  }

  const std::int64_t* row(std::size_t record) const { return records_.data() + record * stride_ + 1; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Cell {
    std::int64_t key = 0;
    std::uint32_t record = kNone;
  };

  std::size_t nearest_of_others(std::int64_t query) const {
    const auto above = keys_.lower_bound(query);
    if (above == keys_.begin()) return find(*above)->record;
    const auto below = std::prev(above);
    if (above == keys_.end()) return find(*below)->record;
    const std::size_t low = find(*below)->record, high = find(*above)->record;
    const auto down = static_cast<std::uint64_t>(query) - static_cast<std::uint64_t>(*below);
    const auto up = static_cast<std::uint64_t>(*above) - static_cast<std::uint64_t>(query);
    if (down != up) return down < up ? low : high;
    return records_[low * stride_] > records_[high * stride_] ? low : high;
  }

  // Neighbouring keys stay neighbours within a line of the cache.
  std::size_t home(std::int64_t key) const {
    const auto bits = static_cast<std::uint64_t>(key);
    return static_cast<std::size_t>((bits ^ ((bits >> 8) * 0x9E3779B97F4A7C15u) >> 40 << 3) &
                                    (cells_.size() - 1));
  }
  const Cell* find(std::int64_t key) const {
    std::size_t i = home(key);
    while (cells_[i].record != kNone && cells_[i].key != key) i = (i + 1) & (cells_.size() - 1);
    return &cells_[i];
  }
  Cell* find(std::int64_t key) { return const_cast<Cell*>(std::as_const(*this).find(key)); }

  Cell* enter(std::int64_t key) {
    if (2 * (count_ + 1) > cells_.size()) grow(2 * cells_.size());
    records_.resize(records_.size() + stride_);
    keys_.insert(key);
    Cell* cell = find(key);
    *cell = {key, count_++};
    return cell;
  }

  void grow(std::size_t size) {
    std::vector<Cell> old(size);
    old.swap(cells_);
    for (const Cell& cell : old)
      if (cell.record != kNone) *find(cell.key) = cell;
  }

  std::size_t stride_;
  std::uint32_t count_ = 0;
  std::vector<Cell> cells_;            // open addressing, at most half full
  std::set<std::int64_t> keys_;        // for the nearest key
  std::vector<std::int64_t> records_;  // (count, 1 + width): newest position, row
};

}  // namespace tvm::plan
