// What a program can write and read again, beside the memory: words of locals and globals, and the table.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>

#include "executor/isa.hpp"
#include "executor/memory.hpp"

namespace tvm::executor {

// Words that must be written before they are read.
template <std::size_t count>
class Words {
 public:
  bool has(std::size_t index) const { return written_[index]; }
  std::uint32_t operator[](std::size_t index) const { return words_[index]; }
  void set(std::size_t index, std::uint32_t word) {
    words_[index] = word;
    written_[index] = true;
  }

 private:
  std::array<std::uint32_t, count> words_;
  std::bitset<count> written_;
};

// Entries of eight bytes: the row of a function's first instruction, and its type, at least 1; both are 0
// where there is no function.
class Table {
 public:
  void store(std::uint64_t address, std::uint8_t octet) {
    bytes_.store(address, octet, 1);
    present_.store(address, 1, 1);
  }
  Trap trap_of(std::uint32_t index, std::uint32_t type) const {
    const std::uint64_t place = kEntry * index;
    if (!Memory::holds(place + kEntry) || present_.load(place, 1) == 0) return Trap::undefined_element;
    const std::uint64_t found = bytes_.load(place + 4, 4);
    if (found == type) return Trap::none;
    return found == 0 ? Trap::uninitialized_element : Trap::type_mismatch;
  }
  std::uint64_t function(std::uint32_t index) const { return bytes_.load(kEntry * index, 4); }

 private:
  static constexpr std::uint64_t kEntry = 8;
  Memory bytes_, present_;
};

}  // namespace tvm::executor
