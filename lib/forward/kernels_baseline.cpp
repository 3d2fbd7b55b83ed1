// Kernels for what every machine of the target has: two doubles at a time (SSE2, NEON).
#include "forward/kernels.hpp"

#define TVM_WIDTH 2
#include "forward/kernels.inc"

namespace tvm {
#if defined(__aarch64__)
extern const Kernels kernels_baseline{"neon", sparse, block, argmax};
#else
extern const Kernels kernels_baseline{"baseline", sparse, block, argmax};
#endif
}  // namespace tvm
