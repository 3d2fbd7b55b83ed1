// Byte-addressed sparse memory, all zero at first: a two-level page table over the addresses that
// a load or store can form, 0 .. 2 * (2^32 - 1) + 7. Only touched pages take space.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace tvm::executor {

class Memory {
 public:
  Memory() : tables_(kTables) {}

  // Whether the addresses below `end` exist.
  static constexpr bool holds(std::uint64_t end) { return end <= kHighest + 1; }

  std::uint64_t load(std::uint64_t address, int bytes) const {
    const std::uint64_t offset = address & (kPage - 1);
    std::uint64_t value = 0;
    if (offset + static_cast<unsigned>(bytes) <= kPage) {
      const std::uint8_t* page = find(address);
      if (page == nullptr) return 0;
      for (int k = 0; k < bytes; ++k) value |= std::uint64_t{page[offset + k]} << (8 * k);
    } else {
      for (int k = 0; k < bytes; ++k) value |= load(address + k, 1) << (8 * k);
    }
    return value;
  }

  void store(std::uint64_t address, std::uint64_t value, int bytes) {
    const std::uint64_t offset = address & (kPage - 1);
    if (offset + static_cast<unsigned>(bytes) <= kPage) {
      std::uint8_t* page = obtain(address);
      for (int k = 0; k < bytes; ++k) page[offset + k] = static_cast<std::uint8_t>(value >> (8 * k));
    } else {
      for (int k = 0; k < bytes; ++k) store(address + k, value >> (8 * k), 1);
    }
  }

 private:
  static constexpr unsigned kPageBits = 12;
  static constexpr unsigned kTableBits = 9;
  static constexpr std::uint64_t kPage = std::uint64_t{1} << kPageBits;
  static constexpr std::uint64_t kHighest = 2 * std::uint64_t{0xFFFFFFFF} + 7;
  static constexpr std::size_t kTables = (kHighest >> (kPageBits + kTableBits)) + 1;
  using Page = std::array<std::uint8_t, kPage>;
  using Table = std::array<std::unique_ptr<Page>, std::size_t{1} << kTableBits>;

  static std::size_t table_of(std::uint64_t address) { return address >> (kPageBits + kTableBits); }
  static std::size_t page_of(std::uint64_t address) {
    return (address >> kPageBits) & ((std::size_t{1} << kTableBits) - 1);
  }

  // The page of an address, nullptr when it was never written. One page is remembered: programs
  // mostly stay where they are.
  std::uint8_t* find(std::uint64_t address) const {
    if (address >> kPageBits == recent_) return recent_page_;
    const Table* table = tables_[table_of(address)].get();
    if (table == nullptr) return nullptr;
    Page* page = (*table)[page_of(address)].get();
    if (page == nullptr) return nullptr;
    recent_ = address >> kPageBits;
    return recent_page_ = page->data();
  }

  std::uint8_t* obtain(std::uint64_t address) {
    if (std::uint8_t* page = find(address)) return page;
    auto& table = tables_[table_of(address)];
    if (!table) table = std::make_unique<Table>();
    (*table)[page_of(address)] = std::make_unique<Page>();
    return find(address);
  }

  std::vector<std::unique_ptr<Table>> tables_;
  mutable std::uint64_t recent_ = ~std::uint64_t{0};
  mutable std::uint8_t* recent_page_ = nullptr;
};

}  // namespace tvm::executor
