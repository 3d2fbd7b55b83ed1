#include "layers/kernels/kernels.hpp"

namespace tvm {

extern const Kernels kernels_scalar, kernels_baseline;
#if defined(TVM_X86)
extern const Kernels kernels_avx2, kernels_avx512;
#endif

const KernelList& available_kernels() {
  static const KernelList list = [] {
    KernelList found{{&kernels_scalar, &kernels_baseline, nullptr, nullptr}, 2};
#if defined(TVM_X86)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found.items[found.count++] = &kernels_avx2;
    if (__builtin_cpu_supports("avx512f")) found.items[found.count++] = &kernels_avx512;
#endif
    return found;
  }();
  return list;
}

const Kernels& kernels() {
  const KernelList& list = available_kernels();
  return *list.items[list.count - 1];
}

}  // namespace tvm
