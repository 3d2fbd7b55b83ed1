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

}  // namespace

TokenBuffer::TokenBuffer(std::span<const kernel::Token> prompt) {
  reserve(std::max(2 * prompt.size(), 4 * kPiece));
  std::copy(prompt.begin(), prompt.end(), data_);
}

#if defined(__linux__)

bool TokenBuffer::can_release() { return true; }

TokenBuffer::~TokenBuffer() { munmap(data_, capacity_ * sizeof(kernel::Token)); }

void TokenBuffer::reserve(std::size_t count) {
  if (count <= capacity_) return;
  if (count > SIZE_MAX / 4 / sizeof(kernel::Token)) throw std::bad_alloc();
  const std::size_t capacity = (count + count / 2) / kPiece * kPiece + kPiece;
  const std::size_t size = capacity * sizeof(kernel::Token);
  void* grown = data_ == nullptr ? mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                 : mremap(data_, capacity_ * sizeof(kernel::Token), size, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) throw std::bad_alloc();
  data_ = static_cast<kernel::Token*>(grown);
  capacity_ = capacity;
}

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

TokenBuffer::~TokenBuffer() { std::free(data_); }

void TokenBuffer::reserve(std::size_t count) {
  if (count <= capacity_) return;
  if (count > SIZE_MAX / 4 / sizeof(kernel::Token)) throw std::bad_alloc();
  const std::size_t capacity = count + count / 2;
  void* grown = std::realloc(data_, capacity * sizeof(kernel::Token));
  if (grown == nullptr) throw std::bad_alloc();
  data_ = static_cast<kernel::Token*>(grown);
  capacity_ = capacity;
}

void TokenBuffer::release(const std::vector<TokenRange>&, std::size_t) {}

#endif

}  // namespace tvm::plan
