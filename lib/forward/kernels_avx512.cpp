// Kernels compiled for AVX512: 8 doubles at a time.
#include "forward/kernels.hpp"

#define TVM_WIDTH 8
#include "forward/kernels.inc"

namespace tvm {
extern const Kernels kernels_avx512 = TVM_KERNELS("avx512");
}  // namespace tvm
