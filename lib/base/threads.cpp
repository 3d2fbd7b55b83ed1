#include "base/threads.hpp"

#include <atomic>
#include <mutex>

// OpenMP keeps its threads for the next run. The thread sanitizer does not see how libgomp's threads wait for
// each other, and would report it as a race.
#if defined(_OPENMP) && !defined(__SANITIZE_THREAD__)
#define TVM_TEAMS
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define TVM_WATCH_FORK
#endif
#endif

namespace tvm {
namespace {

#if defined(TVM_TEAMS)
std::atomic<bool> forked_after_use{false};

void note_use() {
#if defined(TVM_WATCH_FORK)
  static const int watching = pthread_atfork(nullptr, nullptr, [] { forked_after_use = true; });
  (void)watching;
#endif
}

// How many of `wanted` more threads the system has: those that could be started at the same time just now.
int obtainable(int wanted) {
  std::atomic<bool> counted{false};
  Threads tried;
  const std::size_t started =
      tried.start(static_cast<std::size_t>(wanted), [&](std::size_t) { counted.wait(false); });
  counted = true;
  counted.notify_all();
  return static_cast<int>(started);
}

// OpenMP's runtime ends the process when it cannot make a thread. So a team never grows beyond what the
// system has shown to have, and one team is made at a time: no other takes its threads meanwhile.
void on_team(int threads, const std::function<void()>& body) {
  static std::mutex making;
  thread_local int team = 1;  // threads that OpenMP keeps for this thread, itself included
  std::unique_lock lock(making);
  if (threads > team) threads = team + obtainable(threads - team);
  team = threads;
#pragma omp parallel num_threads(threads)
  {
    // All threads are there when the first begins.
#pragma omp master
    lock.unlock();
    body();
  }
}
#endif

}  // namespace

int wanted_threads(int wanted) {
  const int machine = static_cast<int>(std::thread::hardware_concurrency());
  return wanted > 0 ? wanted : machine > 0 ? machine : 1;
}

std::size_t Threads::start(std::size_t count, const std::function<void(std::size_t)>& body) noexcept {
  const std::size_t before = running_.size();
  try {
    running_.reserve(before + count);
    for (std::size_t i = 0; i < count; ++i) running_.emplace_back(body, i);
  } catch (const std::exception&) {  // no thread, or no memory for one: those that run are enough
  }
  return running_.size() - before;
}

int usable_threads(int wanted) {
#if defined(TVM_TEAMS)
  if (forked_after_use) return 1;
#endif
  return wanted_threads(wanted);
}

void on_threads(int threads, const std::function<void()>& body) {
  if (threads <= 1) return body();
#if defined(TVM_TEAMS)
  note_use();
  on_team(threads, body);
#else
  Threads others;
  others.start(static_cast<std::size_t>(threads - 1), [&](std::size_t) { body(); });
  body();
#endif
}

}  // namespace tvm
