// A squared key as a sum: `rest`, and products taken apart.
//
// They are computed only where a record is entered, with 128 bits: the square of a 33-bit address leaves 64.
#pragma once

#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

struct SquaredKey {
  struct Product {
    std::int64_t weight;
    Expr gate, value;
  };
  Expr rest;
  std::vector<Product> products;
};

SquaredKey squared_key(const Network& network, const Store& store);

}  // namespace tvm::plan
