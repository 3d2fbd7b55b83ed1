// What the blocks of a generated kernel are written in. The file is included with TVM_VERIFY 0 or 1: blocks
// that write the tokens they predict, or that compare them.
//
// A function is a block, and in it the blocks that follow it alone. A block first computes and checks; where
// a check fails the function leaves as if the block had not begun: registers that blocks before it have
// changed are written only where the function is left. The records that a block has entered by then are
// entered again, the same ones: nothing looks into a store earlier at a position than its record is entered.
#pragma once

#include "kernel/runtime.hpp"

// Calls that do not come back: compilers that have no word for it do the same when they optimise.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::musttail)
#define TVM_TAIL [[clang::musttail]]
#endif
#endif
#ifndef TVM_TAIL
#define TVM_TAIL
#if !defined(__OPTIMIZE__)
#error "compile kernels with -O2 or more: calls must not nest, and GCC sees to that from there on"
#endif
#endif

#if TVM_VERIFY
#define NAME(n) verify_##n
#else
#define NAME(n) generate_##n
#endif
#define HIDDEN __attribute__((visibility("hidden")))
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define PARAMETERS                                                                                 \
  State *s, Token *tokens, std::int64_t p, std::int64_t limit, [[maybe_unused]] std::int64_t sum0, \
      [[maybe_unused]] std::int64_t sum1
#define BLOCK(n) HIDDEN void NAME(n)(PARAMETERS)
// kStores, kNodes: how many the model has, from the kernel's own header.
#define R(node) registers_of(s, kStores)[node]
#define FEATURE(n) R(kNodes + (n))
#define GO(n, first, second) TVM_TAIL return NAME(n)(s, tokens, p, limit, first, second)
#define LEAVE(n, how, first, second) \
  TVM_TAIL return leave(s, tokens, p, std::int64_t{n} << 2 | static_cast<std::int64_t>(how), first, second)
// A place that is not always gone to.
#define AT(label) \
  label:          \
  __attribute__((unused));
// Where it does not hold, block n is left as it was before.
#define CHECK(condition, n) \
  if (UNLIKELY(!(condition))) goto before_##n
// The next token, at p, is this one.
#if TVM_VERIFY
#define NEXT(token, n)                  \
  if (UNLIKELY(tokens[p] != (token))) { \
    s->found = (token);                 \
    goto after_##n;                     \
  }
#else
#define NEXT(token, n) tokens[p] = (token)
#endif

namespace tvm::kernel {

using Wide = __int128;

// `code`: the number of the block, and two bits that say where in it. Its parameters have the types of a
// block's, as clang's calls that do not come back demand.
HIDDEN void leave(State* s, Token*, std::int64_t p, std::int64_t code, std::int64_t sum0, std::int64_t sum1);

inline bool add(Wide& sum, std::int64_t weight, std::int64_t value) {
  return !__builtin_add_overflow(sum, Wide{weight} * value, &sum);
}
// Whether the value fits 64 bits and no part of the sum leaves them on the way.
inline bool add(std::int64_t& sum, std::int64_t weight, std::int64_t value) {
  std::int64_t part = 0;
  return !__builtin_mul_overflow(weight, value, &part) && !__builtin_add_overflow(sum, part, &sum);
}

template <class Row>
inline const Row* find(State* s, std::uint32_t number, std::int64_t key) {
  const Store& store = stores_of(s)[number];
  const std::uint64_t index = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(store.low);
  if (UNLIKELY(index >= store.span)) return reinterpret_cast<const Row*>(s->find(s, number, key));
  return reinterpret_cast<const Row*>(store.pages[index >> Store::kPageBits]) +
         (index & (Store::kPageSize - 1));
}

// Null where memory ran out.
template <class Row>
inline Row* place(State* s, std::uint32_t number, std::int64_t key) {
  const Store& store = stores_of(s)[number];
  const std::uint64_t index = static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(store.low);
  if (UNLIKELY(index >= store.span)) return reinterpret_cast<Row*>(s->place(s, number, key));
  unsigned char* const page = store.pages[index >> Store::kPageBits];
  if (UNLIKELY(page == store.none)) return reinterpret_cast<Row*>(s->place(s, number, key));
  return reinterpret_cast<Row*>(page) + (index & (Store::kPageSize - 1));
}

}  // namespace tvm::kernel
