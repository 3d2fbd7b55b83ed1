// The order of chunks where it matters: each step (an attention unit, or the hand-over of results)
// takes chunk 0, 1, 2, ... whichever threads bring them.
//
// A thread that must wait sleeps, so that the thread it waits for gets the processor.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tvm {

class ChunkOrder {
 public:
  struct Stopped {};  // thrown to leave a chunk that nobody needs any more

  explicit ChunkOrder(std::size_t steps) : turns_(steps, 0) {}

  // The next chunk that no thread has taken; false when the run is over.
  bool take(std::uint64_t& chunk) {
    const std::lock_guard lock(mutex_);
    chunk = taken_;
    if (chunk > last_) return false;
    ++taken_;
    return true;
  }

  void wait(std::size_t step, std::uint64_t chunk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turns_[step] == chunk || chunk > last_; });
    if (chunk > last_) throw Stopped{};
  }

  void pass(std::size_t step, std::uint64_t chunk) {
    {
      const std::lock_guard lock(mutex_);
      turns_[step] = chunk + 1;
    }
    changed_.notify_all();
  }

  // Chunks after `chunk` are not needed. Returns whether it was needed itself.
  bool stop_after(std::uint64_t chunk) {
    bool needed = false;
    {
      const std::lock_guard lock(mutex_);
      needed = chunk <= last_;
      if (needed) last_ = chunk;
    }
    changed_.notify_all();
    return needed;
  }

  std::uint64_t last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint64_t> turns_;  // per step the chunk whose turn it is
  std::uint64_t taken_ = 0;
  std::uint64_t last_ = ~std::uint64_t{0};
};

}  // namespace tvm
