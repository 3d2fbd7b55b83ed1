// A block of numbers in large pages, where the system has them: to touch pages of 4 KB for the first time
// takes longer than to fill them.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace tvm {

inline constexpr std::size_t kLargePage = std::size_t{1} << 21;

struct FreeLarge {
  void operator()(void* block) const { ::operator delete(block, std::align_val_t{kLargePage}); }
};
template <class T>
using LargeBlock = std::unique_ptr<T[], FreeLarge>;

// Of `count` numbers, none of which is set. Throws std::bad_alloc.
template <class T>
LargeBlock<T> large_block(std::size_t count) {
  static_assert(std::is_trivial_v<T>);
  std::size_t size = count * sizeof(T);
  const bool is_large = size >= kLargePage;
  if (is_large) size = (size + kLargePage - 1) / kLargePage * kLargePage;
  void* const block = ::operator new(size, std::align_val_t{kLargePage});
#ifdef MADV_HUGEPAGE
  if (is_large) madvise(block, size, MADV_HUGEPAGE);  // advice: it may fail
#endif
  return LargeBlock<T>(static_cast<T*>(block));
}

}  // namespace tvm
