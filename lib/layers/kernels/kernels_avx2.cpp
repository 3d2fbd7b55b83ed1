// Kernels compiled for AVX2: 4 doubles at a time.
#include "layers/kernels/kernels.hpp"

#define TVM_WIDTH 4
#include "layers/kernels/kernels.inc"

namespace tvm {
extern const Kernels kernels_avx2 = TVM_KERNELS("avx2");
}  // namespace tvm
