#include "forward/threads.hpp"

#include <atomic>
#include <thread>
#include <vector>

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

[[maybe_unused]] int or_all(int wanted) {
  const int machine = static_cast<int>(std::thread::hardware_concurrency());
  return wanted > 0 ? wanted : machine > 0 ? machine : 1;
}

}  // namespace

int usable_threads([[maybe_unused]] int wanted) {
#if defined(_OPENMP)
  return forked_after_use ? 1 : or_all(wanted);
#else
  return 1;
#endif
}

int usable_blas_threads([[maybe_unused]] int wanted) {
#if defined(_OPENMP)
  return 1;
#else
  return or_all(wanted);
#endif
}

void on_threads([[maybe_unused]] int threads, const std::function<void()>& body) {
#if defined(_OPENMP)
  if (threads > 1) {
    note_use();
#if defined(__SANITIZE_THREAD__)
    // The sanitizer does not see how libgomp's threads wait for each other, and would report it as a race.
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(body);
    body();
    for (auto& other : others) other.join();
#else
#pragma omp parallel num_threads(threads)
    body();
#endif
    return;
  }
#endif
  body();
}

}  // namespace tvm
