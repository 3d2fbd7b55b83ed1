// CRC-32 as in gzip and PNG (reflected polynomial 0xEDB88320; ISO 3309): the model file's checksum.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace tvm {

// [k][byte]: what a byte does to the CRC when k more bytes follow it. Eight bytes are taken at once (Kounavis
// and Berry: A Systematic Approach to Building High Performance Software-Based CRC Generators, 2005).
inline constexpr auto kCrc32Tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1u ? 0xEDB88320u : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = before >> 8 ^ tables[0][before & 0xFFu];
    }
  return tables;
}();

// Weights are zeros for the most part. [k][byte]: what byte k of the CRC becomes behind 64 bytes of zeros.
inline constexpr std::size_t kCrc32Zeros = 64;
inline constexpr auto kCrc32ZeroTables = [] {
  std::array<std::array<std::uint32_t, 256>, 4> tables{};
  for (std::size_t k = 0; k < 4; ++k)
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t value = byte << 8 * k;
      for (std::size_t i = 0; i < kCrc32Zeros; ++i) value = value >> 8 ^ kCrc32Tables[0][value & 0xFFu];
      tables[k][byte] = value;
    }
  return tables;
}();

inline bool is_zero(std::span<const unsigned char> bytes) {
  std::uint64_t any = 0, word = 0;
  for (; bytes.size() >= sizeof word; bytes = bytes.subspan(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    any |= word;
  }
  return any == 0 && std::all_of(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte == 0; });
}

// `before` is the CRC-32 of the bytes that came earlier, 0 when there were none.
inline std::uint32_t crc32(std::span<const unsigned char> bytes, std::uint32_t before = 0) {
  std::uint32_t value = ~before;
  const auto eight = [&](std::span<const unsigned char> some) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint32_t mixed = i < 4 ? value >> 8 * i : 0;
      next ^= kCrc32Tables[7 - i][(mixed ^ some[i]) & 0xFFu];
    }
    value = next;
  };
  for (; bytes.size() >= kCrc32Zeros; bytes = bytes.subspan(kCrc32Zeros)) {
    const auto block = bytes.first(kCrc32Zeros);
    if (is_zero(block)) {
      std::uint32_t next = 0;
      for (std::size_t k = 0; k < 4; ++k) next ^= kCrc32ZeroTables[k][value >> 8 * k & 0xFFu];
      value = next;
    } else {
      for (std::size_t i = 0; i < kCrc32Zeros; i += 8) eight(block.subspan(i));
    }
  }
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) eight(bytes);
  for (const unsigned char byte : bytes) value = value >> 8 ^ kCrc32Tables[0][(value ^ byte) & 0xFFu];
  return ~value;
}

}  // namespace tvm
