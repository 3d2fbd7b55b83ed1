// Several threads in one run: OpenMP where it was built in, else the calling thread alone.
#pragma once

#include <functional>

namespace tvm {

// How many threads a run gets that asks for `wanted` (0: as many as the machine has). 1 in a process
// forked from one that has used OpenMP: its worker threads do not exist there, and waiting for
// them would hang.
int usable_threads(int wanted);

// How many of them BLAS gets within one call: 1 with OpenMP, as chunks already share the threads out.
int usable_blas_threads(int wanted);

// Runs body() on `threads` threads or fewer at the same time. body must not throw.
void on_threads(int threads, const std::function<void()>& body);

}  // namespace tvm
