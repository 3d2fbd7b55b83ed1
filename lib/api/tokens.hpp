// Token ids that a caller passes in, checked against the vocabulary.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "model/model.hpp"

namespace tvm {

// `name` opens error messages. Throws Error (TVM_ERROR_ARGUMENT).
inline std::span<const std::int32_t> checked_tokens(const Model& model, const std::int32_t* tokens,
                                                    std::size_t count, const char* name) {
  if (tokens == nullptr) throw Error(Status::kArgument, sentence(name, " is NULL"));
  if (count == 0) throw Error(Status::kArgument, sentence(name, " is empty; a run needs at least one token"));
  for (std::size_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || tokens[i] >= model.vocabulary)
      throw Error(Status::kArgument, sentence(name, " position ", i, ": token id ", tokens[i],
                                              " is outside the vocabulary of ", model.vocabulary));
  return {tokens, count};
}

}  // namespace tvm
