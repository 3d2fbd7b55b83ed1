// Kernels that are loaded.
//
// Enters: the path of a shared object.  Leaves: the kernel, checked to be for this library and this plan; or
// an Error. A kernel is native code: whoever names the path vouches for it.
#pragma once

#include <memory>

#include "kernel/recipe_book.hpp"
#include "kernel/runtime.hpp"
#include "plan/specialize/division.hpp"

namespace tvm::kernel {

class Loaded {
 public:
  Loaded(const char* path, const plan::Subject& subject);

  const Kernel& kernel() const { return *kernel_; }
  const RecipeBook& book() const { return *book_; }

 private:
  struct Close {
    void operator()(void* library) const;
  };
  std::unique_ptr<void, Close> library_;
  const Kernel* kernel_ = nullptr;
  std::unique_ptr<const RecipeBook> book_;
};

}  // namespace tvm::kernel
