// What a program can write and read again, beside the memory: words of locals and globals, and the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "executor/isa.hpp"
#include "executor/memory.hpp"

namespace tvm::executor {

// Words that must be written before they are read: those of the globals, then those of each call depth. An
// index beyond them leads to those of the next one. A local outlives its call, as in the machine.
class Slots {
 public:
  Slots() : slots_(kGlobals + kLocals) {}
  bool has(std::size_t slot) const { return slot < slots_.size() && slots_[slot].written; }
  std::uint32_t operator[](std::size_t slot) const { return slots_[slot].word; }
  void set(std::size_t slot, std::uint32_t word) {
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    slots_[slot] = {word, true};
  }

 private:
  struct Slot {
    std::uint32_t word = 0;
    bool written = false;
  };
  std::vector<Slot> slots_;
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
