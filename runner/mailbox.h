// SPDX-License-Identifier: Apache-2.0
// The only way values pass between threads, and the only mutex of the product.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace ddl {

// Many senders, one receiver. Values arrive in the order each sender put them.
template <class T>
class Mailbox {
 public:
  void Put(T value) {
    {
      const std::lock_guard lock(mutex_);
      values_.push_back(std::move(value));
    }
    arrived_.notify_one();
  }

  // All that is there; waits up to `patience` for the first. Empty when nothing came.
  [[nodiscard]] std::vector<T> TakeAll(std::chrono::nanoseconds patience) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, patience, [this] { return !values_.empty(); });
    return std::exchange(values_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<T> values_;
};

}  // namespace ddl
