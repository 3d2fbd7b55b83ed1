// Parallel loops of one run: OpenMP where it was built in, else the calling thread alone.
#pragma once

#include <cstddef>
#include <exception>
#include <mutex>

namespace tvm {

// How many threads a run gets that asks for `wanted` (0: as many as the machine has). 1 in a process
// forked from one that has used OpenMP: its worker threads do not exist there, and waiting for
// them would hang.
int usable_threads(int wanted);

// Called before the first parallel loop of a process.
void note_parallel_use();

// body(i) for i < count, on up to `threads` threads. The first exception is thrown again here.
template <class Body>
void parallel_for([[maybe_unused]] int threads, std::size_t count, const Body& body) {
#if defined(_OPENMP)
  if (threads > 1 && count > 1) {
    note_parallel_use();
    std::exception_ptr failure;
    std::mutex mutex;
    const auto signed_count = static_cast<std::ptrdiff_t>(count);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::ptrdiff_t i = 0; i < signed_count; ++i) {
      try {
        body(static_cast<std::size_t>(i));
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (std::size_t i = 0; i < count; ++i) body(i);
}

}  // namespace tvm
