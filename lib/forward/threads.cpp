#include "forward/threads.hpp"

#include <atomic>
#include <thread>

#if defined(_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#include <pthread.h>
#define TVM_WATCH_FORK
#endif

namespace tvm {
namespace {

#if defined(_OPENMP)
std::atomic<bool> forked_after_use{false};

void note_use() {
#if defined(TVM_WATCH_FORK)
  static const int watching = pthread_atfork(nullptr, nullptr, [] { forked_after_use = true; });
  (void)watching;
#endif
}
#endif

}  // namespace

int usable_threads([[maybe_unused]] int wanted) {
#if defined(_OPENMP)
  if (forked_after_use) return 1;
  const int machine = static_cast<int>(std::thread::hardware_concurrency());
  return wanted > 0 ? wanted : machine > 0 ? machine : 1;
#else
  return 1;
#endif
}

void on_threads([[maybe_unused]] int threads, const std::function<void()>& body) {
#if defined(_OPENMP)
  if (threads > 1) {
    note_use();
#pragma omp parallel num_threads(threads)
    body();
    return;
  }
#endif
  body();
}

}  // namespace tvm
