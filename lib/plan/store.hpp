// Newest record by integer key, with the nearest key where the key itself is absent.
//
// Enters: keys and records (rows of integers).  Leaves: the record that exact attention on parabola keys
// picks: least |query - key|, then newest.
//
// Machines use runs of neighbouring keys (addresses, depths of a stack). Keys are therefore kept in pages
// of 8 with room for the records of all of them: a key costs one probe of a small table of pages, and what
// is near it in the machine's memory is near it in ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

namespace tvm::plan {

class RecordStore {
 public:
  explicit RecordStore(std::size_t width) : stride_(width + 1), cells_(64) {}

  bool empty() const { return pages_.empty(); }

  // The record of `key`, to be written. Records keep their indices.
  std::size_t place(std::int64_t key) {
    const Cell* cell = find(page_of(key));
    const std::size_t page = cell->page != kNone ? cell->page : add_page(page_of(key));
    return record_of(page, key);
  }

  // The row of a record, to be written over by the position `now`.
  std::int64_t* write(std::size_t record, std::int64_t now) {
    std::int64_t* row = rows_.data() + record * stride_;
    *row = now;
    return row + 1;
  }

  // The row of the record of `key`; null where there is none.
  const std::int64_t* get(std::int64_t key) const {
    const Cell* cell = find(page_of(key));
    if (cell->page == kNone) return nullptr;
    const std::int64_t* row = rows_.data() + record_of(cell->page, key) * stride_;
    return *row == kAbsent ? nullptr : row + 1;
  }

  // The index of the record nearest to `query`. Not to be called on an empty store.
  std::size_t nearest(std::int64_t query) const {
    const Cell* cell = find(page_of(query));
    if (cell->page != kNone) {
      const std::size_t record = record_of(cell->page, query);
      if (written(record) != kAbsent) return record;
    }
    return nearest_of_others(query);
  }

  const std::int64_t* row(std::size_t record) const { return rows_.data() + record * stride_ + 1; }

 private:
  static constexpr int kPageBits = 3;
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::int64_t kAbsent = -1;  // no position
  struct Cell {
    std::int64_t number = 0;
    std::uint32_t page = kNone;
  };

  static std::int64_t page_of(std::int64_t key) { return key >> kPageBits; }
  static std::size_t record_of(std::size_t page, std::int64_t key) {
    return page * kPageSize + (static_cast<std::size_t>(key) & (kPageSize - 1));
  }
  std::int64_t written(std::size_t record) const { return rows_[record * stride_]; }

  std::size_t nearest_of_others(std::int64_t query) const {
    const auto here = pages_.lower_bound(page_of(query));
    // The first key above `query` and the last one below it: in its page, or else in the next one, as no
    // page is empty.
    std::int64_t above = 0, below = 0;
    bool has_above = false, has_below = false;
    for (auto page = here; page != pages_.end() && !has_above; ++page)
      for (std::size_t i = 0; i < kPageSize && !has_above; ++i) {
        above = page->first * static_cast<std::int64_t>(kPageSize) + static_cast<std::int64_t>(i);
        has_above = above > query && written(record_of(page->second, above)) != kAbsent;
      }
    const auto past = here != pages_.end() && here->first == page_of(query) ? std::next(here) : here;
    for (auto page = past; page != pages_.begin() && !has_below;) {
      --page;
      for (std::size_t i = kPageSize; i-- > 0 && !has_below;) {
        below = page->first * static_cast<std::int64_t>(kPageSize) + static_cast<std::int64_t>(i);
        has_below = below < query && written(record_of(page->second, below)) != kAbsent;
      }
    }
    const auto record = [&](std::int64_t key) { return record_of(find(page_of(key))->page, key); };
    if (!has_above) return record(below);
    if (!has_below) return record(above);
    const auto down = static_cast<std::uint64_t>(query) - static_cast<std::uint64_t>(below);
    const auto up = static_cast<std::uint64_t>(above) - static_cast<std::uint64_t>(query);
    if (down != up) return down < up ? record(below) : record(above);
    return written(record(below)) > written(record(above)) ? record(below) : record(above);
  }

  // Open addressing, at most half full; the high bits of the product depend on all bits of the number.
  const Cell* find(std::int64_t number) const {
    std::size_t i =
        static_cast<std::size_t>((static_cast<std::uint64_t>(number) * 0x9E3779B97F4A7C15u) >> shift_);
    while (cells_[i].page != kNone && cells_[i].number != number) i = (i + 1) & (cells_.size() - 1);
    return &cells_[i];
  }

  std::size_t add_page(std::int64_t number) {
    if (2 * (pages_.size() + 1) > cells_.size()) grow();
    const auto page = static_cast<std::uint32_t>(pages_.size());
    rows_.resize(rows_.size() + kPageSize * stride_);
    for (std::size_t i = 0; i < kPageSize; ++i) rows_[(page * kPageSize + i) * stride_] = kAbsent;
    pages_.emplace(number, page);
    *const_cast<Cell*>(find(number)) = {number, page};
    return page;
  }

  void grow() {
    std::vector<Cell>(2 * cells_.size()).swap(cells_);
    --shift_;
    for (const auto& [number, page] : pages_) *const_cast<Cell*>(find(number)) = {number, page};
  }

  std::size_t stride_;
  int shift_ = 64 - 6;
  std::vector<Cell> cells_;                      // 2 to the power 64 - shift_
  std::map<std::int64_t, std::uint32_t> pages_;  // for the nearest key
  std::vector<std::int64_t> rows_;               // (pages, 8, 1 + width): newest position, row
};

}  // namespace tvm::plan
