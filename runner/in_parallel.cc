// SPDX-License-Identifier: Apache-2.0
#include "runner/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace ddl {

namespace {

constexpr std::size_t kAtOnce = 16;        // neighbours are often of one folder
constexpr std::size_t kMostThreads = 4;    // a disk serves no more at once
constexpr std::size_t kWorthAThread = 64;  // things

// One thread's share: whatever is next.
class Shares {
 public:
  Shares(std::size_t count, const std::function<void(std::size_t)>& work)
      : count_(count), work_(work) {}

  void Take() {
    try {
      for (std::size_t from = next_.fetch_add(kAtOnce); from < count_;
           from = next_.fetch_add(kAtOnce)) {
        for (std::size_t i = from; i < std::min(from + kAtOnce, count_); ++i) {
          work_(i);
        }
      }
    } catch (...) {
      if (!has_failed_.exchange(true)) failure_ = std::current_exception();
      next_ = count_;
    }
  }
  // Once no thread takes any more.
  void Rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> has_failed_{false};
  std::exception_ptr failure_;
};

}  // namespace

void InParallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  Shares shares(count, work);
  std::vector<std::jthread> threads;
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t wanted = std::min({kMostThreads, cores, 1 + count / kWorthAThread});
  try {
    while (threads.size() + 1 < wanted) {
      threads.emplace_back([&shares] { shares.Take(); });
    }
  } catch (const std::system_error&) {  // the host has no more threads: this one does it all
  }
  shares.Take();
  threads.clear();  // waits for all of them
  shares.Rethrow();
}

}  // namespace ddl
