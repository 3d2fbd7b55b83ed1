#include "forward/threads.hpp"

#include <atomic>
#include <thread>

#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#include <pthread.h>
#define TVM_WATCH_FORK
#endif

namespace tvm {
namespace {

std::atomic<bool> forked_after_use{false};

}  // namespace

void note_parallel_use() {
#if defined(TVM_WATCH_FORK)
  static const int watching = pthread_atfork(nullptr, nullptr, [] { forked_after_use = true; });
  (void)watching;
#endif
}

int usable_threads(int wanted) {
#if defined(_OPENMP)
  if (forked_after_use) return 1;
  const int machine = static_cast<int>(std::thread::hardware_concurrency());
  return wanted > 0 ? wanted : machine > 0 ? machine : 1;
#else
  (void)wanted;
  return 1;
#endif
}

}  // namespace tvm
