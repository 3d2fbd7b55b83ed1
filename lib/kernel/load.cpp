#include "kernel/load.hpp"

#include <string>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "base/error.hpp"

namespace tvm::kernel {
namespace {

#if defined(_WIN32)
void* open_library(const char* path) { return reinterpret_cast<void*>(LoadLibraryA(path)); }
void* symbol(void* library, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(library), name));
}
std::string reason() { return "Windows error " + std::to_string(GetLastError()); }
#else
void* open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
void* symbol(void* library, const char* name) { return dlsym(library, name); }
std::string reason() {
  const char* why = dlerror();
  return why == nullptr ? "no reason was given" : why;
}
#endif

}  // namespace

void Loaded::Close::operator()(void* library) const {
#if defined(_WIN32)
  FreeLibrary(reinterpret_cast<HMODULE>(library));
#else
  dlclose(library);
#endif
}

Loaded::Loaded(const char* path, std::uint64_t plan, std::int32_t stop) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Status::kUnsupported, sentence("kernel ", path, ": ", why));
  };
  library_.reset(open_library(path));
  if (library_ == nullptr)
    throw Error(Status::kFile, sentence("kernel ", path, ": cannot be loaded: ", reason()));
  using Give = const Kernel* (*)();
  const auto give = reinterpret_cast<Give>(symbol(library_.get(), "tvm_kernel"));
  if (give == nullptr) refuse("it has no function tvm_kernel: this is no kernel");
  kernel_ = give();
  if (kernel_ == nullptr || kernel_->abi != kAbi)
    refuse("it is for another version of the library; compile it again");
  if (std::string(kernel_->library) != TVM_VERSION)
    refuse("it is for version " + std::string(kernel_->library) +
           " of the library, this is " TVM_VERSION "; compile it again");
  if (kernel_->model != plan || kernel_->stop != stop)
    refuse("it is for another model; compile one for this model");
  book_ = std::make_unique<RecipeBook>(kernel_->recipes, kernel_->blocks);
}

}  // namespace tvm::kernel
