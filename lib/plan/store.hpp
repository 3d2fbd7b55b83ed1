// Newest record by integer key, with the nearest key where the key itself is absent.
//
// Enters: keys and records (rows of integers).  Leaves: the index of the record that exact attention
// on parabola keys picks: least |query - key|, then newest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <vector>

namespace tvm::plan {

class KeyStore {
 public:
  KeyStore() { grow(64); }

  bool empty() const { return count_ == 0; }

  // Where the newest record of `key` is kept: a new one, or the older one to be overwritten.
  std::size_t put(std::int64_t key, std::int64_t now) {
    Cell* cell = find(key);
    if (!cell->used) {
      *cell = {key, count_++, true};
      keys_.insert(key);
      newest_.push_back(0);
      const std::size_t record = cell->record;
      if (2 * count_ > cells_.size()) grow(2 * cells_.size());
      newest_[record] = now;
      return record;
    }
    newest_[cell->record] = now;
    return cell->record;
  }

  // Not to be called on an empty store.
  std::size_t nearest(std::int64_t query) {
    const Cell* cell = find(query);
    return cell->used ? cell->record : nearest_of_others(query);
  }

 private:
  struct Cell {
    std::int64_t key = 0;
    std::size_t record = 0;
    bool used = false;
  };

  std::size_t nearest_of_others(std::int64_t query) {
    const auto above = keys_.lower_bound(query);
    if (above == keys_.begin()) return find(*above)->record;
    const auto below = std::prev(above);
    if (above == keys_.end()) return find(*below)->record;
    const std::size_t low = find(*below)->record, high = find(*above)->record;
    const auto down = static_cast<std::uint64_t>(query) - static_cast<std::uint64_t>(*below);
    const auto up = static_cast<std::uint64_t>(*above) - static_cast<std::uint64_t>(query);
    if (down != up) return down < up ? low : high;
    return newest_[low] > newest_[high] ? low : high;
  }

  Cell* find(std::int64_t key) {
    const std::size_t mask = cells_.size() - 1;
    auto hash = static_cast<std::uint64_t>(key) * 0x9E3779B97F4A7C15u;
    std::size_t i = static_cast<std::size_t>(hash >> 20) & mask;
    while (cells_[i].used && cells_[i].key != key) i = (i + 1) & mask;
    return &cells_[i];
  }

  void grow(std::size_t size) {
    std::vector<Cell> old(size);
    old.swap(cells_);
    for (const Cell& cell : old)
      if (cell.used) *find(cell.key) = cell;
  }

  std::vector<Cell> cells_;           // open addressing, at most half full
  std::set<std::int64_t> keys_;       // for the nearest key
  std::vector<std::int64_t> newest_;  // position by record
  std::size_t count_ = 0;
};

}  // namespace tvm::plan
