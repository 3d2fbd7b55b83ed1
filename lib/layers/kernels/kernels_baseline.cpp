// Kernels for what every machine of the target has: two doubles at a time (SSE2, NEON).
#include "layers/kernels/kernels.hpp"

#define TVM_WIDTH 2
#include "layers/kernels/kernels.inc"

namespace tvm {
#if defined(__aarch64__)
extern const Kernels kernels_baseline = TVM_KERNELS("neon");
#else
extern const Kernels kernels_baseline = TVM_KERNELS("baseline");
#endif
}  // namespace tvm
