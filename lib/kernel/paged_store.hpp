// Newest record by integer key, as plan and kernels keep it: rows with packed columns, in pages of
// neighbouring keys (runtime.hpp), with the nearest key where the key itself is absent.
//
// Enters: keys and records.  Leaves: the record that exact attention on parabola keys picks: least
// |query - key|, then newest.
//
// Machines use runs of neighbouring keys (addresses, depths of a stack). The directory covers a window of
// keys and grows while it is not too sparse; pages beyond it are found in a table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernel/runtime.hpp"

namespace tvm::kernel {

// The position that wrote a row of any store.
struct Stamp {
  std::uint32_t low = 0;
  std::int16_t high = 0;
};
inline constexpr std::uint32_t kStampBytes = 6;

inline std::int64_t now_of(const unsigned char* row) {
  Stamp stamp;  // member by member, which compilers keep in registers
  std::memcpy(&stamp.low, row + offsetof(Stamp, low), sizeof stamp.low);
  std::memcpy(&stamp.high, row + offsetof(Stamp, high), sizeof stamp.high);
  return now_in(stamp);
}

// A column of a row: an unsigned number of `bytes` at `offset`, less `low`, and less the row's position where
// it is `from_now`. 0 bytes: it is always `low`, or nobody reads the column.
struct Column {
  std::uint32_t offset = 0, bytes = 0;
  std::int64_t low = 0;
  bool is_read = false, from_now = false;

  std::int64_t read(const unsigned char* row) const {
    const std::int64_t least = from_now ? now_of(row) + low : low;
    switch (bytes) {
      case 1: return least + at<std::uint8_t>(row);
      case 2: return least + at<std::uint16_t>(row);
      case 4: return least + at<std::uint32_t>(row);
      case 8: return static_cast<std::int64_t>(at<std::uint64_t>(row));  // least is 0
      default: return least;
    }
  }
  void write(unsigned char* row, std::int64_t value) const {  // behind the stamp
    const std::int64_t least = from_now ? now_of(row) + low : low;
    const std::uint64_t less = static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(least);
    switch (bytes) {
      case 1: put(row, static_cast<std::uint8_t>(less)); break;
      case 2: put(row, static_cast<std::uint16_t>(less)); break;
      case 4: put(row, static_cast<std::uint32_t>(less)); break;
      case 8: put(row, less); break;
      default: break;
    }
  }

 private:
  template <class T>
  T at(const unsigned char* row) const {
    T value;
    std::memcpy(&value, row + offset, sizeof value);
    return value;
  }
  template <class T>
  void put(unsigned char* row, T value) const {
    std::memcpy(row + offset, &value, sizeof value);
  }
};

struct Layout {
  std::vector<Column> columns;
  std::uint32_t row_bytes = 0;
};

// Owns the pages and the directory of a Store, which does not move.
class PagedStore {
 public:
  PagedStore(Store& store, std::uint32_t row_bytes);
  ~PagedStore();
  PagedStore(const PagedStore&) = delete;

  bool empty() const { return store_.records == 0; }

  // The row of a key, to be written over: by `stamp` and its columns. Throws std::bad_alloc.
  unsigned char* place(std::int64_t key) {
    const std::uint64_t index = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(store_.low);
    if (index < store_.span) [[likely]] {
      unsigned char* page = store_.pages[index / kSize];
      if (page != store_.none) [[likely]]
        return page + index % kSize * row_bytes_;
    }
    return place_in_new(key);
  }
  static void stamp(unsigned char* row, std::int64_t now) {
    Stamp written;
    kernel::stamp(written, now);
    std::memcpy(row, &written, kStampBytes);
  }

  // The row of a key; its now_of is negative where there is no record.
  const unsigned char* find(std::int64_t key) const {
    const std::uint64_t index = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(store_.low);
    if (index < store_.span) [[likely]]
      return store_.pages[index / kSize] + index % kSize * row_bytes_;
    return find_far(key);
  }

  // To be told of keys that were looked for where the directory is not. Where there are many such, it comes
  // to cover them, too: a stack and the memory below it are a megabyte apart.
  void widen(std::int64_t key) {
    if (static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(store_.low) < store_.span) return;
    if (++far_ >= kWorthWidening) far_ = widen_to(key) ? 0 : far_ - kRetry;
  }

  // f(key, row) of every record that was written at `since` or later, by ascending key.
  template <class F>
  void for_each(std::int64_t since, F&& f) const {
    // The directory is in order. Mostly it covers all pages.
    std::vector<std::pair<std::int64_t, const unsigned char*>> pages;
    std::int64_t number = store_.low / Store::kPageSize;
    for (const unsigned char* rows : directory_) {
      if (rows != none_.get()) pages.emplace_back(number, rows);
      ++number;
    }
    if (pages.size() < pages_.size()) {
      pages.clear();
      for (const auto& [where, page] : pages_) pages.emplace_back(where, page.get());
      std::sort(pages.begin(), pages.end());
    }
    for (const auto& [where, rows] : pages)
      for (std::int64_t i = 0; i < Store::kPageSize; ++i)
        if (const unsigned char* row = rows + i * row_bytes_; now_of(row) >= since)
          f(where * Store::kPageSize + i, row);
  }
  template <class F>
  void for_each(F&& f) const {
    for_each(0, f);
  }

  // The row of the record nearest to `query`. Not to be called on an empty store.
  const unsigned char* nearest(std::int64_t query) const {
    const unsigned char* row = find(query);
    return now_of(row) >= 0 ? row : nearest_of_others(query);
  }

 private:
  static constexpr std::uint64_t kSize = Store::kPageSize;
  static constexpr std::uint64_t kWorthWidening = 2048;  // they take as long as it does
  static constexpr std::uint64_t kRetry = 61;            // keys before another that may be nearer is tried
  struct Free {
    void operator()(unsigned char* block) const;
  };
  using Page = std::unique_ptr<unsigned char, Free>;

  unsigned char* place_in_new(std::int64_t key);
  const unsigned char* find_far(std::int64_t key) const;
  const unsigned char* nearest_of_others(std::int64_t query) const;
  Page empty_page() const;
  bool cover(std::int64_t page);
  bool widen_to(std::int64_t key);
  void set_window(std::int64_t first, std::uint64_t count);
  // The newest key of a page at or above, or at or below, a place in it; negative when there is none.
  std::int64_t at_or_above(std::int64_t page, std::int64_t place) const;
  std::int64_t at_or_below(std::int64_t page, std::int64_t place) const;

  Store& store_;
  const std::uint32_t row_bytes_;
  Page none_;
  std::vector<unsigned char*> directory_;
  std::unordered_map<std::int64_t, Page> pages_;  // by number: key / kSize, rounded down
  std::uint64_t far_ = 0;                         // keys that the directory did not cover
  std::uint64_t moves_at_ = 64;                   // pages: when the directory moves to where new ones are
  mutable std::set<std::int64_t> ordered_;        // numbers of pages, from the first search for neighbours on
};

}  // namespace tvm::kernel
