// The tokens of a run in memory: they stay where positions say while the buffer grows; what is released is
// given up, what is held is not; and the next run takes over the memory of the last, within a bound.
#include <memory>
#include <vector>

#include "check.hpp"
#include "plan/run/token_buffer.hpp"

namespace {

using tvm::kernel::Token;
using tvm::plan::SpareTokens;
using tvm::plan::TokenBuffer;

Token token_at(std::size_t position) { return static_cast<Token>(position * 7 + 1); }

void fill(TokenBuffer& buffer, std::size_t begin, std::size_t end) {
  buffer.reserve(end);
  for (std::size_t at = begin; at < end; ++at) buffer.data()[at] = token_at(at);
}

void grows() {
  SpareTokens spare;
  TokenBuffer buffer(std::vector<Token>{token_at(0), token_at(1)}, spare);
  fill(buffer, 2, 1000000);
  for (std::size_t at = 0; at < 1000000; ++at) CHECK(buffer.data()[at] == token_at(at));
}

void releases() {
  constexpr std::size_t kAll = 1000000, kHeld = 300000;
  SpareTokens spare;
  TokenBuffer buffer(std::vector<Token>{token_at(0)}, spare);
  fill(buffer, 1, kAll);
  buffer.release({{0, 1}, {kHeld, kHeld + 10}}, kAll);
  CHECK(buffer.data()[0] == token_at(0));
  for (std::size_t at = kHeld; at < kHeld + 10; ++at) CHECK(buffer.data()[at] == token_at(at));
  // What the system has taken back reads as 0.
  CHECK(buffer.data()[kAll / 2] == (TokenBuffer::can_release() ? 0 : token_at(kAll / 2)));
}

void is_kept_for_the_next() {
  SpareTokens spare;
  CHECK(spare.capacity() == 0);
  const Token* first = nullptr;
  {
    TokenBuffer buffer(std::vector<Token>{1, 2, 3}, spare);
    fill(buffer, 3, 500000);
    first = buffer.data();
  }
  CHECK(spare.capacity() >= 500000);
  const std::size_t kept = spare.capacity();
  {
    TokenBuffer buffer(std::vector<Token>{4, 5}, spare), other(std::vector<Token>{6}, spare);
    CHECK(buffer.data() == first && buffer.data()[0] == 4 && buffer.data()[1] == 5);
    CHECK(other.data() != first && other.data()[0] == 6 && spare.capacity() == 0);
  }
  CHECK(spare.capacity() == kept);  // the larger of the two
  // A longer run leaves no more than the bound.
  {
    fill(*std::make_unique<TokenBuffer>(std::vector<Token>{1}, spare), 1, 3 * SpareTokens::kMost);
  }
  CHECK(spare.capacity() == SpareTokens::kMost);
}

}  // namespace

int main() {
  grows();
  releases();
  is_kept_for_the_next();
}
