// Kernels that are loaded.
//
// Enters: the path of a shared object.  Leaves: the kernel, checked to be for this library and the plan with
// this fingerprint (plan/specialize/fingerprint.hpp); or
// an Error. A kernel is native code: whoever names the path vouches for it.
#pragma once

#include <memory>

#include "kernel/recipe_book.hpp"
#include "kernel/runtime.hpp"

namespace tvm::kernel {

class Loaded {
 public:
  // `plan`: its fingerprint; `stop`: the token that ends the model's sequences.
  Loaded(const char* path, std::uint64_t plan, std::int32_t stop);

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
