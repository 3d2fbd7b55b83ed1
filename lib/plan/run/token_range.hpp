// A part of a sequence: what is held of a run's tokens is several of these.
#pragma once

#include <cstddef>

namespace tvm::plan {

// Positions, `end` not included.
struct TokenRange {
  std::size_t begin = 0, end = 0;
};

}  // namespace tvm::plan
