// CRC-32 as in gzip and PNG (reflected polynomial 0xEDB88320; ISO 3309): the model file's checksum.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tvm {

inline constexpr auto kCrc32Table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1u ? 0xEDB88320u : 0u);
    table[byte] = value;
  }
  return table;
}();

// `before` is the CRC-32 of the bytes that came earlier, 0 when there were none.
inline std::uint32_t crc32(std::span<const unsigned char> bytes, std::uint32_t before = 0) {
  std::uint32_t value = ~before;
  for (const unsigned char byte : bytes) value = value >> 8 ^ kCrc32Table[(value ^ byte) & 0xFFu];
  return ~value;
}

}  // namespace tvm
