// What an instruction computes from its operands.
//
// Enters: an opcode and operands; of each as many bytes count as its row says.  Leaves: the value with the
// marks of its bytes, or the numbers that stand before it.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "executor/isa.hpp"

namespace tvm::executor {

// What an instruction emits; bit 8 k + 7 of the marks is byte k's mark.
struct Value {
  std::uint64_t word = 0, marks = 0;
};

// Bits 7, 15, ...: whether each byte of an addition carries, of a subtraction borrows.
constexpr std::uint64_t carries(std::uint64_t a, std::uint64_t b, std::uint64_t sum) {
  return (a & b) | ((a | b) & ~sum);
}
constexpr std::uint64_t borrows(std::uint64_t a, std::uint64_t b, std::uint64_t difference) {
  return (~a & b) | ((~a | b) & difference);
}

// The lowest bytes of a number, and zeros or their sign above; the sign is passed from the highest of them to
// the end.
template <int bytes, bool is_signed>
constexpr Value extended(std::uint64_t word) {
  if constexpr (bytes < 8) {
    constexpr std::uint64_t high = ~std::uint64_t{0} << (8 * bytes);
    word &= ~high;
    if (is_signed && (word >> (8 * bytes - 1)) != 0)
      return {word | high, high | (std::uint64_t{1} << (8 * bytes - 1))};
  }
  return {word, 0};
}

// An operand in the width that the row says.
template <Op op>
using Operand = std::conditional_t<row_of(op).operand_bytes == 8, std::uint64_t, std::uint32_t>;

template <Op op>
bool holds(Operand<op> a, Operand<op> b) {
  using Signed = std::make_signed_t<Operand<op>>;
  const auto x = static_cast<Signed>(a), y = static_cast<Signed>(b);
  switch (row_of(op).operation) {
    case Operation::eq: return a == b;
    case Operation::ne: return a != b;
    case Operation::lt_s: return x < y;
    case Operation::lt_u: return a < b;
    case Operation::gt_s: return x > y;
    case Operation::gt_u: return a > b;
    case Operation::le_s: return x <= y;
    case Operation::le_u: return a <= b;
    case Operation::ge_s: return x >= y;
    case Operation::ge_u: return a >= b;
    default: return a == 0;  // eqz
  }
}

// a: the only operand, or the second of two; b: the top.
template <Op op>
Operand<op> counted(Operand<op> a, Operand<op> b) {
  switch (row_of(op).operation) {
    case Operation::clz: return static_cast<Operand<op>>(std::countl_zero(a));
    case Operation::ctz: return static_cast<Operand<op>>(std::countr_zero(a));
    case Operation::sticky: return (a & ((Operand<op>{1} << (b % (8 * sizeof a))) - 1)) != 0;
    default: return static_cast<Operand<op>>(std::popcount(a));
  }
}

template <Op op>
Operand<op> joined(Operand<op> a, Operand<op> b) {
  switch (row_of(op).operation) {
    case Operation::and_: return a & b;
    case Operation::or_: return a | b;
    default: return a ^ b;
  }
}

template <Op op>
Operand<op> shifted(Operand<op> a, Operand<op> b) {
  const int n = static_cast<int>(b % (8 * sizeof a));
  switch (row_of(op).operation) {
    case Operation::shl: return a << n;
    case Operation::shr_s:
      return static_cast<Operand<op>>(static_cast<std::make_signed_t<Operand<op>>>(a) >> n);
    case Operation::rotl: return std::rotl(a, n);
    case Operation::rotr: return std::rotr(a, n);
    default: return a >> n;  // shr_u
  }
}

// What each column of a product's bytes carries into the next.
template <Op op>
std::array<std::uint16_t, row_of(op).scratch> column_carries(std::uint64_t a, std::uint64_t b) {
  constexpr int bytes = row_of(op).operand_bytes;
  std::array<std::uint16_t, row_of(op).scratch> carried{};
  std::uint32_t carry = 0;
  for (int k = 0; k < static_cast<int>(carried.size()); ++k) {
    for (int i = k < bytes ? 0 : k - bytes + 1; i < bytes && i <= k; ++i)
      carry += static_cast<std::uint32_t>((a >> (8 * i)) & 255) *
               static_cast<std::uint32_t>((b >> (8 * (k - i))) & 255);
    carry >>= 8;
    carried[static_cast<std::size_t>(k)] = static_cast<std::uint16_t>(carry);
  }
  return carried;
}

constexpr std::uint64_t upper_half(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t low = 0xFFFFFFFF;
  const std::uint64_t middle = (a >> 32) * (b & low) + (((a & low) * (b & low)) >> 32);
  return (a >> 32) * (b >> 32) + (middle >> 32) + (((a & low) * (b >> 32) + (middle & low)) >> 32);
}

// A division of sizes: the digits of the quotient, the highest first, what remains, and whether the result is
// negative. The divisor is not 0.
template <Op op>
struct Division {
  Operand<op> quotient;
  std::uint32_t remainder;
  bool negative;
  std::array<std::uint16_t, sizeof(Operand<op>)> digits;
  bool lacking;  // the first six digits are those of a - 1, and one is lacking: the seventh makes up for it
};

template <Op op>
Division<op> divided(Operand<op> a, std::uint32_t b) {
  constexpr Operation operation = row_of(op).operation;
  constexpr bool wide = sizeof a == 8;
  constexpr bool is_signed = operation == (wide ? Operation::div_word_s : Operation::div_s) ||
                             operation == (wide ? Operation::rem_word_s : Operation::rem_s);
  const bool a_negative = is_signed && (a >> (8 * sizeof a - 1)) != 0;
  const bool b_negative = is_signed && !wide && (b >> 31) != 0;
  if (a_negative) a = 0 - a;
  if (b_negative) b = 0 - b;
  Division<op> result{a / b, static_cast<std::uint32_t>(a % b), a_negative, {}, false};
  if (operation == Operation::div_s) result.negative = a_negative != b_negative;
  std::uint64_t digits = result.quotient;
  result.lacking = wide && a_negative && a % (std::uint64_t{b} << 16) == 0;
  if (result.lacking) digits -= 0x10000;
  for (std::size_t i = sizeof a; i-- > 0; digits >>= 8) result.digits[i] = digits & 255;
  if (result.lacking) result.digits[sizeof a - 2] = 256;
  return result;
}

}  // namespace tvm::executor
