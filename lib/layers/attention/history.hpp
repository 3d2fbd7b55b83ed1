// The values of one head at every past position, two components each, in little space: blocks of
// positions take the narrowest type that holds them exactly (bytes, mostly).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

namespace tvm {

class ValueHistory {
 public:
  void append(const double* v0, const double* v1, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      open_[0][size_ % kBlock] = v0[i];
      open_[1][size_ % kBlock] = v1[i];
      if (++size_ % kBlock == 0)
        for (int c = 0; c < 2; ++c) closed_[c].push_back(close(open_[c]));
    }
  }

  double at(std::uint64_t position, int component) const {
    const std::uint64_t block = position / kBlock, index = position % kBlock;
    if (block == closed_[component].size()) return open_[component][index];
    const Block& values = closed_[component][block];
    switch (values.type) {
      case Type::same: return values.constant;
      case Type::uint8: return read<std::uint8_t>(values, index);
      case Type::int16: return read<std::int16_t>(values, index);
      case Type::int32: return read<std::int32_t>(values, index);
      case Type::uint32: return read<std::uint32_t>(values, index);
      case Type::float64: break;
    }
    return read<double>(values, index);
  }

 private:
  static constexpr std::size_t kBlock = 1024;
  enum class Type : std::uint8_t { same, uint8, int16, int32, uint32, float64 };
  struct Block {
    std::unique_ptr<unsigned char[]> bytes;
    double constant = 0.0;
    Type type = Type::same;
  };
  using Values = std::array<double, kBlock>;

  template <class Number>
  static double read(const Block& block, std::uint64_t index) {
    Number value;
    std::memcpy(&value, block.bytes.get() + index * sizeof value, sizeof value);
    return static_cast<double>(value);
  }

  template <class Number>
  static bool pack(const Values& values, Type type, Block& block) {
    for (const double v : values) {
      if (!(v >= static_cast<double>(std::numeric_limits<Number>::lowest()) &&
            v <= static_cast<double>(std::numeric_limits<Number>::max())) ||
          static_cast<double>(static_cast<Number>(v)) != v)
        return false;
    }
    block.type = type;
    block.bytes = std::make_unique<unsigned char[]>(kBlock * sizeof(Number));
    for (std::size_t i = 0; i < kBlock; ++i) {
      const auto value = static_cast<Number>(values[i]);
      std::memcpy(block.bytes.get() + i * sizeof value, &value, sizeof value);
    }
    return true;
  }

  static Block close(const Values& values) {
    Block block;
    block.constant = values[0];
    bool same = true;
    for (const double v : values) same = same && v == values[0];
    if (same || pack<std::uint8_t>(values, Type::uint8, block) ||
        pack<std::int16_t>(values, Type::int16, block) || pack<std::int32_t>(values, Type::int32, block) ||
        pack<std::uint32_t>(values, Type::uint32, block))
      return block;
    block.type = Type::float64;
    block.bytes = std::make_unique<unsigned char[]>(sizeof values);
    std::memcpy(block.bytes.get(), values.data(), sizeof values);
    return block;
  }

  std::uint64_t size_ = 0;
  std::array<std::vector<Block>, 2> closed_;
  std::array<Values, 2> open_{};
};

}  // namespace tvm
