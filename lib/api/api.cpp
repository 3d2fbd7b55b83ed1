// The version of the C ABI and its last error.
#include <cstdio>

#include "api/guard.hpp"

namespace tvm {
namespace {

thread_local char last_error[1024];

}  // namespace

void set_last_error(const char* message) noexcept {
  std::snprintf(last_error, sizeof last_error, "%s", message);
}

}  // namespace tvm

extern "C" {

int32_t tvm_abi_version(void) { return TVM_ABI_VERSION; }

const char* tvm_last_error(void) { return tvm::last_error; }

}  // extern "C"
