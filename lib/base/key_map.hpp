// Newest record by integer key, with the nearest key where the key itself is absent.
//
// Enters: keys and records (rows of integers).  Leaves: the record that exact attention on parabola keys
// picks: least |query - key|, then newest.
//
// The plan keeps records in it, the layer path positions alone (width 0).
//
// Machines use runs of neighbouring keys (addresses, depths of a stack). Keys are therefore kept in pages
// of 8 with room for the records of all of them: a key costs one probe of a small table of pages, and what
// is near it in the machine's memory is near it in ours.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tvm {

class KeyMap {
 public:
  explicit KeyMap(std::size_t width) : stride_(width + 1), cells_(64) {}

  bool empty() const { return pages_ == 0; }

  // The record of `key`, to be written. Records keep their indices.
  std::size_t place(std::int64_t key) {
    Cell* cell = find(page_of(key));
    if (cell->page == kNone) cell = add_page(page_of(key));
    cell->keys |= bit(key);
    return record_of(*cell, key);
  }

  // The row of a record, to be written over by the position `now`.
  std::int64_t* write(std::size_t record, std::int64_t now) {
    std::int64_t* row = rows_.get() + record * stride_;
    *row = now;
    return row + 1;
  }

  // The row of the record of `key`; null where there is none.
  const std::int64_t* get(std::int64_t key) const {
    const Cell& cell = *find(page_of(key));
    return (cell.keys & bit(key)) != 0 ? row(record_of(cell, key)) : nullptr;
  }

  // The index of the record nearest to `query`. Not to be called on an empty store.
  std::size_t nearest(std::int64_t query) const {
    const Cell& cell = *find(page_of(query));
    return (cell.keys & bit(query)) != 0 ? record_of(cell, query) : nearest_of_others(query);
  }

  const std::int64_t* row(std::size_t record) const { return rows_.get() + record * stride_ + 1; }

  // The position that wrote the record of a key that has one.
  std::int64_t written(std::int64_t key) const { return get(key)[-1]; }

  // The neighbours of `query` among the keys: in its page, or else in the next one, as no page is empty.
  std::optional<std::int64_t> at_or_above(std::int64_t query) const {
    for (auto page = ordered().lower_bound(page_of(query)); page != ordered_.end(); ++page) {
      const std::uint32_t keys = find(*page)->keys & (*page == page_of(query) ? ~(bit(query) - 1) : ~0u);
      if (keys != 0) return key_at(*page, std::countr_zero(keys));
    }
    return std::nullopt;
  }
  std::optional<std::int64_t> below(std::int64_t query) const {
    for (auto page = ordered().upper_bound(page_of(query)); page != ordered_.begin();) {
      --page;
      const std::uint32_t keys = find(*page)->keys & (*page == page_of(query) ? bit(query) - 1 : ~0u);
      if (keys != 0) return key_at(*page, 31 - std::countl_zero(keys));
    }
    return std::nullopt;
  }

 private:
  static constexpr int kPageBits = 3;
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Cell {
    std::int64_t number = 0;
    std::uint32_t page = kNone;
    std::uint32_t keys = 0;  // a bit for each key that has a record
  };
  struct Free {
    void operator()(std::int64_t* block) const { std::free(block); }
  };

  static std::int64_t page_of(std::int64_t key) { return key >> kPageBits; }
  static std::size_t place_in_page(std::int64_t key) {
    return static_cast<std::size_t>(key) & (kPageSize - 1);
  }
  static std::uint32_t bit(std::int64_t key) { return std::uint32_t{1} << place_in_page(key); }
  static std::size_t record_of(const Cell& cell, std::int64_t key) {
    return cell.page * kPageSize + place_in_page(key);
  }

  std::size_t nearest_of_others(std::int64_t query) const {
    const auto above = at_or_above(query), below = this->below(query);
    const auto record = [&](std::int64_t k) { return record_of(*find(page_of(k)), k); };
    if (!above) return record(*below);
    if (!below) return record(*above);
    const auto down = static_cast<std::uint64_t>(query) - static_cast<std::uint64_t>(*below);
    const auto up = static_cast<std::uint64_t>(*above) - static_cast<std::uint64_t>(query);
    if (down != up) return down < up ? record(*below) : record(*above);
    return written(*below) > written(*above) ? record(*below) : record(*above);
  }

  static std::int64_t key_at(std::int64_t page, int place) {
    return page * static_cast<std::int64_t>(kPageSize) + place;
  }

  const std::set<std::int64_t>& ordered() const {
    if (ordered_.size() != pages_)
      for (const Cell& cell : cells_)
        if (cell.page != kNone) ordered_.insert(cell.number);
    return ordered_;
  }

  // Open addressing, at most half full. Four neighbouring pages share a line of the cache; the high bits
  // of the product depend on all bits of the rest.
  const Cell* find(std::int64_t number) const {
    const auto bits = static_cast<std::uint64_t>(number);
    std::size_t i = static_cast<std::size_t>(((bits >> 2) * 0x9E3779B97F4A7C15u) >> shift_ << 2 | (bits & 3));
    while (cells_[i].page != kNone && cells_[i].number != number) i = (i + 1) & (cells_.size() - 1);
    return &cells_[i];
  }
  Cell* find(std::int64_t number) { return const_cast<Cell*>(std::as_const(*this).find(number)); }

  Cell* add_page(std::int64_t number) {
    if (2 * (pages_ + std::size_t{1}) > cells_.size()) grow_cells();
    if (pages_ == room_) grow_rows();
    if (!ordered_.empty()) ordered_.insert(number);
    Cell* cell = find(number);
    *cell = {number, pages_++, 0};
    return cell;
  }

  void grow_cells() {
    std::vector<Cell> old(2 * cells_.size());
    old.swap(cells_);
    --shift_;
    for (const Cell& cell : old)
      if (cell.page != kNone) *find(cell.number) = cell;
  }

  // Large blocks grow in place where the C library remaps them; rows without a record are never touched.
  void grow_rows() {
    const std::size_t room = room_ + room_ / 2 + 16;
    const std::size_t page_bytes = kPageSize * stride_ * sizeof(std::int64_t);
    if (room >= kNone || room > SIZE_MAX / page_bytes) throw std::bad_alloc();
    void* grown = std::realloc(rows_.get(), room * page_bytes);
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(rows_.release());
    rows_.reset(static_cast<std::int64_t*>(grown));
    room_ = room;
  }

  std::size_t stride_;
  int shift_ = 64 - 4;
  std::uint32_t pages_ = 0;
  std::size_t room_ = 0;                    // pages that rows_ has room for
  std::vector<Cell> cells_;                 // 4 times 2 to the power 64 - shift_
  mutable std::set<std::int64_t> ordered_;  // numbers of all pages, from the first search for neighbours on
  std::unique_ptr<std::int64_t[], Free> rows_;  // (pages, 8, 1 + width): newest position, row
};

}  // namespace tvm
