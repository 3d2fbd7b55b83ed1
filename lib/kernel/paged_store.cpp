#include "kernel/paged_store.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>

namespace tvm::kernel {
namespace {

// The directory covers at least so many pages, and of more at most so many for each page that there is.
constexpr std::uint64_t kAlwaysCovered = 1024, kSparsest = 16;
// One that has been widened covers at most so many, be they as sparse as they are.
constexpr std::uint64_t kWidest = std::uint64_t{1} << 15;
// Pages of greater numbers, positive or negative, stay beyond it: so no key in it leaves 64 bits.
constexpr std::int64_t kFarthest = std::int64_t{1} << 56;

std::int64_t number_of(std::int64_t key) { return key >> Store::kPageBits; }

}  // namespace

void PagedStore::Free::operator()(unsigned char* block) const { std::free(block); }

PagedStore::PagedStore(Store& store, std::uint32_t row_bytes)
    : store_(store), row_bytes_(row_bytes), none_(empty_page()) {
  store_ = {nullptr, 0, 0, 0, none_.get()};
}

PagedStore::~PagedStore() = default;

PagedStore::Page PagedStore::empty_page() const {
  Page page(static_cast<unsigned char*>(std::malloc(kSize * row_bytes_)));
  if (page == nullptr) throw std::bad_alloc();
  std::memset(page.get(), 0xFF, kSize * row_bytes_);  // positions of -1
  return page;
}

unsigned char* PagedStore::place_in_new(std::int64_t key) {
  const std::int64_t number = number_of(key);
  auto found = pages_.find(number);
  if (found == pages_.end()) {
    Page page = empty_page();
    if (!ordered_.empty()) ordered_.insert(number);
    found = pages_.emplace(number, std::move(page)).first;
    store_.records = 1;
    if (cover(number))
      directory_[static_cast<std::size_t>(number - number_of(store_.low))] = found->second.get();
  }
  return found->second.get() + static_cast<std::uint64_t>(key) % kSize * row_bytes_;
}

// Makes the directory cover a page, if it does not become too sparse.
bool PagedStore::cover(std::int64_t page) {
  if (page > kFarthest || page < -kFarthest) return false;
  const std::int64_t first = number_of(store_.low);
  const std::uint64_t count = directory_.size();
  const std::uint64_t most = std::max(kAlwaysCovered, kSparsest * pages_.size());
  const auto distance = static_cast<std::uint64_t>(page) - static_cast<std::uint64_t>(first);
  if (count > 0 && distance < count) return true;
  const auto room = [](std::uint64_t needed) { return needed + needed / 2 + 16; };
  if (count == 0) {
    set_window(page - 8, 64);
  } else if (page >= first && distance < most) {
    set_window(first, std::min(most, room(distance + 1)));
  } else if (page < first && 0 - distance + count <= most) {
    const std::uint64_t more = std::min(most, room(0 - distance + count)) - count;
    set_window(first - static_cast<std::int64_t>(more), count + more);
  } else if (pages_.size() >= moves_at_) {  // to where pages are added now
    moves_at_ = 2 * pages_.size();
    set_window(page - static_cast<std::int64_t>(kAlwaysCovered / 2), kAlwaysCovered);
  } else {
    return false;
  }
  return true;
}

bool PagedStore::widen_to(std::int64_t key) {
  const std::int64_t page = number_of(key), first = number_of(store_.low);
  const std::uint64_t count = directory_.size();
  if (count == 0 || pages_.count(page) == 0) return false;
  constexpr std::int64_t kRoom = 16;
  const std::int64_t from = std::min(first, page - kRoom);
  const std::int64_t end = std::max(first + static_cast<std::int64_t>(count), page + kRoom);
  if (page > kFarthest || page < -kFarthest || static_cast<std::uint64_t>(end - from) > kWidest) return false;
  set_window(from, static_cast<std::uint64_t>(end - from));
  return true;
}

void PagedStore::set_window(std::int64_t first, std::uint64_t count) {
  std::vector<unsigned char*> directory(count, none_.get());
  for (const auto& [number, page] : pages_)
    if (const auto index = static_cast<std::uint64_t>(number) - static_cast<std::uint64_t>(first);
        index < count)
      directory[index] = page.get();
  directory_.swap(directory);
  store_.pages = directory_.data();
  store_.low = first * Store::kPageSize;
  store_.span = count * kSize;
}

const unsigned char* PagedStore::find_far(std::int64_t key) const {
  const auto found = pages_.find(number_of(key));
  const unsigned char* page = found == pages_.end() ? none_.get() : found->second.get();
  return page + static_cast<std::uint64_t>(key) % kSize * row_bytes_;
}

std::int64_t PagedStore::at_or_above(std::int64_t page, std::int64_t place) const {
  const unsigned char* rows = pages_.find(page)->second.get();
  for (; place < Store::kPageSize; ++place)
    if (now_of(rows + place * row_bytes_) >= 0) return place;
  return -1;
}

std::int64_t PagedStore::at_or_below(std::int64_t page, std::int64_t place) const {
  const unsigned char* rows = pages_.find(page)->second.get();
  while (place >= 0 && now_of(rows + place * row_bytes_) < 0) --place;
  return place;
}

const unsigned char* PagedStore::nearest_of_others(std::int64_t query) const {
  if (ordered_.empty())
    for (const auto& [number, page] : pages_) ordered_.insert(number);
  const std::int64_t here = number_of(query), place = query & (Store::kPageSize - 1);
  std::optional<std::int64_t> above, below;
  for (auto page = ordered_.lower_bound(here); page != ordered_.end() && !above; ++page)
    if (const auto found = at_or_above(*page, *page == here ? place : 0); found >= 0)
      above = *page * Store::kPageSize + found;
  for (auto page = ordered_.upper_bound(here); page != ordered_.begin() && !below;) {
    --page;
    if (const auto found = at_or_below(*page, *page == here ? place : Store::kPageSize - 1); found >= 0)
      below = *page * Store::kPageSize + found;
  }
  if (!above) return find(*below);
  if (!below) return find(*above);
  const auto down = static_cast<std::uint64_t>(query) - static_cast<std::uint64_t>(*below);
  const auto up = static_cast<std::uint64_t>(*above) - static_cast<std::uint64_t>(query);
  if (down != up) return find(down < up ? *below : *above);
  return now_of(find(*below)) > now_of(find(*above)) ? find(*below) : find(*above);
}

}  // namespace tvm::kernel
