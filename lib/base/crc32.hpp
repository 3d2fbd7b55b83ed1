// CRC-32 as in gzip and PNG (reflected polynomial 0xEDB88320; ISO 3309): the model file's checksum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

// `before` is the CRC-32 of the bytes that came earlier, 0 when there were none.
inline std::uint32_t crc32(std::span<const unsigned char> bytes, std::uint32_t before = 0) {
  std::uint32_t value = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint32_t mixed = i < 4 ? value >> 8 * i : 0;
      next ^= kCrc32Tables[7 - i][(mixed ^ bytes[i]) & 0xFFu];
    }
    value = next;
  }
  for (const unsigned char byte : bytes) value = value >> 8 ^ kCrc32Tables[0][(value ^ byte) & 0xFFu];
  return ~value;
}

}  // namespace tvm
