// Kernels compiled for AVX512: 8 doubles at a time.
#include "layers/kernels/kernels.hpp"

#define TVM_WIDTH 8
#include "layers/kernels/kernels.inc"

namespace tvm {
extern const Kernels kernels_avx512 = TVM_KERNELS("avx512");
}  // namespace tvm
