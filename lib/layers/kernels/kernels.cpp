#include "layers/kernels/kernels.hpp"

#if defined(TVM_X86)
#include <cpuid.h>
#endif

namespace tvm {

extern const Kernels kernels_scalar, kernels_baseline;
#if defined(TVM_X86)
extern const Kernels kernels_avx2, kernels_avx512;

namespace {

struct Features {
  bool avx2 = false, avx512f = false;
};

// What the processor has and the system saves. Asked here: zig's runtime library answers no to every
// __builtin_cpu_supports.
Features features() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kSaves = 1u << 27;  // the system tells what it saves, by xgetbv
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSaves) == 0) return {};
  unsigned saved = 0, high = 0;
  asm("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return {};
  constexpr unsigned kYmm = 0x6, kZmm = 0xe6;  // their registers, in `saved`
  return {(saved & kYmm) == kYmm && (b >> 5 & 1) != 0, (saved & kZmm) == kZmm && (b >> 16 & 1) != 0};
}

}  // namespace
#endif

const KernelList& available_kernels() {
  static const KernelList list = [] {
    KernelList found{{&kernels_scalar, &kernels_baseline, nullptr, nullptr}, 2};
#if defined(TVM_X86)
    const Features has = features();
    if (has.avx2) found.items[found.count++] = &kernels_avx2;
    if (has.avx512f) found.items[found.count++] = &kernels_avx512;
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
