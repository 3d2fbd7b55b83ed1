// tvm_build_info: what this library was built with and what this machine offers, as JSON.
#include <string>

#include "api/guard.hpp"
#include "kernel/runtime.hpp"
#include "layers/kernels/kernels.hpp"
#include "tvm.h"

namespace {

#define TVM_TEXT_(x) #x
#define TVM_TEXT(x) TVM_TEXT_(x)

constexpr const char* kCompiler =
#if defined(__clang__)
    "clang " __clang_version__;
#elif defined(__GNUC__)
    "gcc " __VERSION__;
#elif defined(_MSC_VER)
    "msvc " TVM_TEXT(_MSC_VER);
#else
    "unknown";
#endif

std::string make() {
  std::string json =
      "{\"version\": \"" TVM_VERSION "\", \"abi\": " TVM_TEXT(TVM_ABI_VERSION) ", \"compiler\": \"";
  for (const char* c = kCompiler; *c != '\0'; ++c) {
    if (*c == '"' || *c == '\\') json += '\\';
    json += *c;
  }
#if defined(_OPENMP)
  json += "\", \"openmp\": true";
#else
  json += "\", \"openmp\": false";
#endif
#if defined(TVM_BLAS)
  json += ", \"blas\": \"" TVM_BLAS "\"";
#else
  json += ", \"blas\": null";
#endif
  json += ", \"kernel_abi\": " + std::to_string(tvm::kernel::kAbi);
  // The instruction sets that this build has and this machine can run; the last is the one in use.
  json += ", \"kernels\": [";
  const auto& kernels = tvm::available_kernels();
  for (std::size_t i = 0; i < kernels.count; ++i) {
    json += i > 0 ? ", \"" : "\"";
    json += kernels.items[i]->name;
    json += '"';
  }
  return json + "]}";
}

}  // namespace

extern "C" const char* tvm_build_info(void) {
  return tvm::guard_text([] {
    static const std::string info = make();  // tried again when memory ran out
    return info.c_str();
  });
}
