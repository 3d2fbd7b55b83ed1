// Kernels compiled for AVX2: 4 doubles at a time.
#include "forward/kernels.hpp"

#define TVM_WIDTH 4
#include "forward/kernels.inc"

namespace tvm {
extern const Kernels kernels_avx2 = TVM_KERNELS("avx2");
}  // namespace tvm
