// Token ids that a caller passes in, checked against the vocabulary.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "model/model.hpp"

namespace tvm {

// `name` opens error messages. Throws Error (TVM_ERROR_ARGUMENT).
template <class Token>
std::span<const Token> checked_tokens(const Model& model, const Token* tokens, std::size_t count,
                                      const char* name) {
  if (sizeof(Token) == 2 && model.vocabulary > 1 << 16)
    throw Error(Status::kArgument, sentence(name, ": 16 bits do not number the ", model.vocabulary,
                                            " tokens of this model; pass tokens of 32 bits"));
  if (tokens == nullptr) throw Error(Status::kArgument, sentence(name, " is NULL"));
  if (count == 0) throw Error(Status::kArgument, sentence(name, " is empty; a run needs at least one token"));
  // The largest is found in lanes; negative ones are large.
  using Unsigned = std::make_unsigned_t<Token>;
  Unsigned largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, static_cast<Unsigned>(tokens[i]));
  if (largest < static_cast<std::uint32_t>(model.vocabulary)) return {tokens, count};
  for (std::size_t i = 0; i < count; ++i)
    if (static_cast<Unsigned>(tokens[i]) >= static_cast<std::uint32_t>(model.vocabulary))
      throw Error(Status::kArgument, sentence(name, " position ", i, ": token id ", tokens[i],
                                              " is outside the vocabulary of ", model.vocabulary));
  return {tokens, count};
}

// Tokens that have been checked in another width: themselves, or a copy.
template <class Wanted, class Token>
class InWidth {
 public:
  explicit InWidth(std::span<const Token> tokens) {
    if constexpr (!std::is_same_v<Wanted, Token>) copy_.assign(tokens.begin(), tokens.end());
    if constexpr (std::is_same_v<Wanted, Token>)
      tokens_ = tokens;
    else
      tokens_ = copy_;
  }
  std::span<const Wanted> tokens() const { return tokens_; }

 private:
  std::vector<Wanted> copy_;
  std::span<const Wanted> tokens_;
};

}  // namespace tvm
