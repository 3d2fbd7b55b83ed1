// What the opaque handles of the C ABI hold.
#pragma once

#include "model/model.hpp"
#include "tvm.h"

struct tvm_model {
  tvm::Model model;
};
