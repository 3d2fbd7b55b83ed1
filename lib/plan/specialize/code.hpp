// The operators of tapes, from one list: the code, the label that the interpreter jumps to, and what it does
// in words (`pyvm model explain` prints them with the braces filled in).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tvm::plan {

// kCheck stops the run when the value leaves 64 bits. kTokenSum is a sum of tokens around one position.
// Reads of tokens that are far (ir/token_bases.hpp) are checked against what is held. kBatch is many products
// and steps at once. kRecall ends the position where the table of predictions has the entry; kPredict
// computes it, kEnd ends a position whose prediction nobody wants. kBranch goes on with another tape.
#define TVM_TAPE_OPERATORS(X)                                                         \
  X(kCheck, check, "check that {value} fits 64 bits")                                 \
  X(kToken, token, "{to} = table[token]")                                             \
  X(kLinear, linear, "{to} = {value}")                                                \
  X(kIndex, index, "{to} = {value} within 0 .. {at}")                                 \
  X(kTokenAt, token_at, "{to} = table[token at {at}]")                                \
  X(kTokenNear, token_near, "{to} = table[token at {value} within 0 .. {at}]")        \
  X(kTokenSum, token_sum, "{to} = {nears}")                                           \
  X(kHistoryAt, history_at, "{to} = history {table} at {at}")                         \
  X(kSum, sum, "{to} = ({gate}) * mean of {value}")                                   \
  X(kAddToSum, add_to_sum, "{to} += {value}")                                         \
  X(kLookup, lookup, "{to} = record of store {table} with key nearest {value}")       \
  X(kFound, found, "{to} = column {part} of record {at}")                             \
  X(kMatch, match, "{to} = column {part} of store {table} under key {value}, else 0") \
  X(kBatch, batch, "{batch} products and steps at once")                              \
  X(kProduct, product, "{to} = ({value}) * max(0, {gate})")                           \
  X(kStep, step, "{to} = {value} if {gate} >= 1 else 0")                              \
  X(kEqual, equal, "{to} = {value} if {gate} = 0 else 0")                             \
  X(kFunction, function, "{to} = function {table}({value})")                          \
  X(kInsert, insert, "store {table} under key {record}")                              \
  X(kHistory, history, "history {table} gets {value}")                                \
  X(kBranch, branch, "branch")                                                        \
  X(kRecall, recall, "predict entry {value} of {entries}")                            \
  X(kPredict, predict, "predict the argmax over ({features})")                        \
  X(kEnd, end, "no prediction")

enum class Code : std::uint8_t {
#define TVM_CODE(code, label, words) code,
  TVM_TAPE_OPERATORS(TVM_CODE)
#undef TVM_CODE
};

struct CodeText {
  const char *label, *words;
};
inline constexpr CodeText kCodeTexts[] = {
#define TVM_TEXT(code, label, words) {#label, words},
    TVM_TAPE_OPERATORS(TVM_TEXT)
#undef TVM_TEXT
};
inline const CodeText& text_of(Code code) { return kCodeTexts[static_cast<std::size_t>(code)]; }

}  // namespace tvm::plan
