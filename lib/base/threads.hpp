// Several threads in one run: OpenMP's where it was built in, else the standard library's, which those also
// take who cut their work themselves.
//
// A system may have no more threads to give. Then a run goes on with those there are.
#pragma once

#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace tvm {

// Threads that are joined at the end of their scope.
class Threads {
 public:
  // Starts `count` threads, each with body(0), body(1), ...; fewer when the system has no more. Returns how
  // many there are.
  std::size_t start(std::size_t count, const std::function<void(std::size_t)>& body) noexcept;
  ~Threads() {
    for (std::thread& thread : running_) thread.join();
  }

 private:
  std::vector<std::thread> running_;
};

// How many threads a run means that asks for `wanted` (0: as many as the machine has).
int wanted_threads(int wanted);

// How many of them on_threads() can give (0: as many as the machine has). 1 in a process forked from one that
// has used OpenMP: its worker threads do not exist there, and waiting for them would hang.
int usable_threads(int wanted);

// Runs body() on `threads` threads or fewer at the same time. body must not throw.
void on_threads(int threads, const std::function<void()>& body);

}  // namespace tvm
