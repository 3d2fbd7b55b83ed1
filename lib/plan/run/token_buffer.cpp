#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // mremap
#endif
#include "plan/run/token_buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tvm::plan {
namespace {

// Memory is given back in pieces of so many bytes, a multiple of every page size.
constexpr std::size_t kPieceBytes = std::size_t{1} << 16;
constexpr std::size_t kPiece = kPieceBytes / sizeof(kernel::Token);

#if defined(__linux__)

// A mapping of another size, its tokens kept; null when there is no room. No mapping yet: null and 0.
kernel::Token* resized(kernel::Token* data, std::size_t from, std::size_t to) {
  void* const made = data == nullptr ? mmap(nullptr, to * sizeof(kernel::Token), PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                     : mremap(data, from * sizeof(kernel::Token), to * sizeof(kernel::Token),
                                              MREMAP_MAYMOVE);
  return made == MAP_FAILED ? nullptr : static_cast<kernel::Token*>(made);
}
void drop(kernel::Token* data, std::size_t capacity) {
  if (data != nullptr) munmap(data, capacity * sizeof(kernel::Token));
}

#else

kernel::Token* resized(kernel::Token* data, std::size_t from, std::size_t to) {
  auto* const made = static_cast<kernel::Token*>(std::calloc(to, sizeof(kernel::Token)));
  if (made == nullptr) return nullptr;
  std::copy(data, data + std::min(from, to), made);
  std::free(data);
  return made;
}
void drop(kernel::Token* data, std::size_t) { std::free(data); }

#endif

}  // namespace

SpareTokens::~SpareTokens() { drop(data_, capacity_); }

TokenBuffer::TokenBuffer(std::span<const kernel::Token> prompt, SpareTokens& spare) : spare_(spare) {
  {
    const std::lock_guard lock(spare.mutex_);
    data_ = std::exchange(spare.data_, nullptr);
    capacity_ = std::exchange(spare.capacity_, 0);
  }
  try {
    reserve(std::max(2 * prompt.size(), 4 * kPiece));
  } catch (...) {
    drop(data_, capacity_);
    throw;
  }
  std::copy(prompt.begin(), prompt.end(), data_);
}

TokenBuffer::~TokenBuffer() {
  if (capacity_ > SpareTokens::kMost)
    if (kernel::Token* const cut = resized(data_, capacity_, SpareTokens::kMost)) {
      data_ = cut;
      capacity_ = SpareTokens::kMost;
    }
  const std::lock_guard lock(spare_.mutex_);
  if (spare_.capacity_ < capacity_ && capacity_ <= SpareTokens::kMost) {
    std::swap(spare_.data_, data_);
    std::swap(spare_.capacity_, capacity_);
  }
  drop(data_, capacity_);
}

void TokenBuffer::reserve(std::size_t count) {
  if (count <= capacity_) return;
  if (count > SIZE_MAX / 4 / sizeof(kernel::Token)) throw std::bad_alloc();
  const std::size_t capacity = (count + count / 2) / kPiece * kPiece + kPiece;
  kernel::Token* const grown = resized(data_, capacity_, capacity);
  if (grown == nullptr) throw std::bad_alloc();
  data_ = grown;
  capacity_ = capacity;
}

#if defined(__linux__)

bool TokenBuffer::can_release() { return true; }

void TokenBuffer::release(const std::vector<TokenRange>& held, std::size_t count) {
  std::vector<TokenRange> pages;
  for (const TokenRange& range : held) {
    const TokenRange more{range.begin / kPiece, (range.end + kPiece - 1) / kPiece};
    if (!pages.empty() && more.begin <= pages.back().end)
      pages.back().end = std::max(pages.back().end, more.end);
    else
      pages.push_back(more);
  }
  pages_.push_back({released_to_, count / kPiece});  // the last one ends where tokens are written
  released_to_ = count / kPiece;
  auto kept = pages.begin();
  for (auto [begin, end] : pages_)
    while (begin < end) {
      while (kept != pages.end() && kept->end <= begin) ++kept;
      const std::size_t until = kept == pages.end() ? end : std::min(end, kept->begin);
      if (begin < until) {
        madvise(data_ + begin * kPiece, (until - begin) * kPieceBytes, MADV_DONTNEED);
        begin = until;
      }
      if (kept != pages.end() && kept->begin <= begin) begin = std::max(begin, std::min(end, kept->end));
    }
  for (TokenRange& range : pages) range.end = std::min(range.end, released_to_);
  pages_ = std::move(pages);
}

#else

bool TokenBuffer::can_release() { return false; }

void TokenBuffer::release(const std::vector<TokenRange>&, std::size_t) {}

#endif

}  // namespace tvm::plan
