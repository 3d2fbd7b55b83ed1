// How the records of a store lie in memory.
//
// Enters: a store, and which of its columns are read.  Leaves: the layout of its rows, for run/ and kernels.
#pragma once

#include <vector>

#include "kernel/paged_store.hpp"
#include "plan/ir/network.hpp"

namespace tvm::plan {

// Each column as narrow as its interval allows. `read`: whether a live node reads the column.
kernel::Layout layout_of(const Network& network, const Store& store, const std::vector<bool>& read);

}  // namespace tvm::plan
