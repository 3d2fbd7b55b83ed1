// Which nodes are read by whom.
#pragma once

#include <vector>

#include "plan/ir/network.hpp"

namespace tvm::plan {

// A squared key as a sum: `rest`, and products taken apart. They are computed only where a record is
// entered, with 128 bits: the square of a 33-bit address leaves 64.
struct Square {
  struct Product {
    std::int64_t weight;
    Expr gate, value;
  };
  Expr rest;
  std::vector<Product> products;
};

Square square_of(const Network& network, const Store& store);

// Nodes that somebody reads: the output, or whatever keeps history for it.
std::vector<bool> live_nodes(const Network& network);

// Nodes that `wanted` needs, with all that is kept of a position in the stores they look into.
std::vector<bool> closure(const Network& network, const std::vector<NodeId>& wanted);

// What every tape is built with.
struct Readers {
  std::vector<bool> live;
  std::vector<std::vector<bool>> columns;  // per store: whether a live node reads the column
  std::vector<bool> before_branch;         // what the selectors' nodes need
  std::vector<bool> stable;                // changes only when a sum or a store does
};

Readers find_readers(const Network& network, const std::vector<bool>& live,
                     const std::vector<NodeId>& selected);

}  // namespace tvm::plan
