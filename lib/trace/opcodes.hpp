// The opcodes of token programs as the executor knows them, in the order of the vocabulary
// (pyvm/program/instructions.py is the same table; tests/lib/test_tables.py compares them).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tvm::trace {

enum class Op : std::uint8_t {
  halt,
  return_,
  call,
  br,
  br_if,
  drop,
  select,
  local_get,
  local_set,
  local_tee,
  global_get,
  global_set,
  load,
  load8_s,
  load8_u,
  load16_s,
  load16_u,
  store,
  store8,
  store16,
  const_,
  eqz,
  eq,
  ne,
  lt_s,
  lt_u,
  gt_s,
  gt_u,
  le_s,
  le_u,
  ge_s,
  ge_u,
  add,
  sub,
  output,
  input_base,
  past_end  // not an opcode: stands after the last instruction
};

inline constexpr std::array<std::string_view, 36> kOpNames = {
    "halt",       "return",      "call",        "br",           "br_if",        "drop",
    "select",     "local.get",   "local.set",   "local.tee",    "global.get",   "global.set",
    "i32.load",   "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u", "i32.store",
    "i32.store8", "i32.store16", "i32.const",   "i32.eqz",      "i32.eq",       "i32.ne",
    "i32.lt_s",   "i32.lt_u",    "i32.gt_s",    "i32.gt_u",     "i32.le_s",     "i32.le_u",
    "i32.ge_s",   "i32.ge_u",    "i32.add",     "i32.sub",      "output",       "input_base"};

}  // namespace tvm::trace
