// What teacher forcing says of a window of tokens.
#pragma once

#include <cstdint>

namespace tvm {

struct Verdict {
  std::uint64_t checked = 0;         // predictions compared
  std::int64_t first_mismatch = -1;  // position; -1: every prediction is the token that follows
  std::int32_t expected = -1, predicted = -1;

  bool ok() const { return first_mismatch < 0; }
  // The first call counts.
  void differs(std::size_t position, std::int32_t token, std::int32_t prediction) {
    if (!ok()) return;
    first_mismatch = static_cast<std::int64_t>(position);
    expected = token;
    predicted = prediction;
  }
};

}  // namespace tvm
