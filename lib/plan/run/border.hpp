// A border: what a run keeps at a position, as bytes from which another run goes on there.
//
// Enters: an interpreter and its tokens.  Leaves: bytes, as changes since an earlier border (or since 0: all
// that is kept); or the same state in another interpreter. lib/plan/README.md tells why a border is a claim
// that need not be trusted.
//
// The bytes say what the state means, not how it is stored: they are the same whether tapes or a kernel ran,
// in whatever order contexts were made. Registers are no part of them but those of running sums: a run goes
// on with nothing known, and computes again what it needs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace tvm::plan {

using Bytes = std::vector<unsigned char>;

// Unsigned numbers in groups of 7 bits, the lowest first; signed ones with their sign in bit 0.
class BorderWriter {
 public:
  explicit BorderWriter(Bytes& to) : to_(to) {}
  void natural(std::uint64_t value) {
    for (; value >= 128; value >>= 7) to_.push_back(static_cast<unsigned char>(value | 128));
    to_.push_back(static_cast<unsigned char>(value));
  }
  void integer(std::int64_t value) {
    natural(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
  }
  // Modulo 2^64.
  void difference(std::int64_t value, std::int64_t from) {
    integer(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(from)));
  }

 private:
  Bytes& to_;
};

// Throws Error (Status::kArgument) where the bytes end, or are none that a writer makes.
class BorderReader {
 public:
  explicit BorderReader(std::span<const unsigned char> bytes) : bytes_(bytes) {}
  std::uint64_t natural() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at_ == bytes_.size()) wrong("it ends too early");
      const std::uint64_t group = bytes_[at_++];
      if (shift == 63 && group > 1) wrong("a number is too large");
      value |= (group & 127) << shift;
      if (group < 128) {
        if (group == 0 && shift > 0) wrong("a number is not in its shortest form");
        return value;
      }
    }
  }
  std::int64_t integer() {
    const std::uint64_t value = natural();
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
  }
  std::int64_t difference(std::int64_t from) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(integer()) +
                                     static_cast<std::uint64_t>(from));
  }
  // Of things that take at least a byte each.
  std::uint64_t count() {
    const std::uint64_t value = natural();
    if (value > bytes_.size() - at_) wrong("it ends too early");
    return value;
  }
  void end() const {
    if (at_ != bytes_.size()) wrong("something follows its end");
  }
  [[noreturn]] void wrong(const char* what) const {
    throw Error(Status::kArgument, sentence("border, byte ", at_, ": ", what));
  }

 private:
  std::span<const unsigned char> bytes_;
  std::size_t at_ = 0;
};

// What every border begins with.
struct BorderHead {
  std::uint64_t plan = 0;      // fingerprint: borders are of one plan
  std::uint64_t since = 0;     // the position of the border before, 0: this one is whole
  std::uint64_t position = 0;  // positions that have been read
};
BorderHead read_head(BorderReader& from);

}  // namespace tvm::plan
