// SPDX-License-Identifier: Apache-2.0
// How other threads rouse one that waits for a socket, and how long that one may wait.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runner/file.h"

namespace ddl {

class Wakeup {
 public:
  // Without a descriptor (the process has no more) it is false, and must not be used.
  explicit operator bool() const { return static_cast<bool>(event_); }
  [[nodiscard]] int Get() const { return event_.Get(); }
  void Wake() const {
    const std::uint64_t one = 1;
    (void)!::write(event_.Get(), &one, sizeof one);
  }
  void Clear() const {
    std::uint64_t count = 0;
    (void)!::read(event_.Get(), &count, sizeof count);
  }

 private:
  FileDescriptor event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

// A thread's waits for one descriptor: over when it is ready, when the time is up, or when the
// thread is asked to stop, which a Wake makes it notice.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  Patience(const Wakeup& wakeup, std::stop_token stop, std::chrono::milliseconds limit)
      : wakeup_(&wakeup), stop_(std::move(stop)), limit_(limit), until_(Clock::now() + limit) {}
  // The same limit again, from now on.
  [[nodiscard]] Patience Renewed() const { return {*wakeup_, stop_, limit_}; }
  // For one step of several: what is left, but no more than that.
  [[nodiscard]] Patience AtMost(std::chrono::milliseconds limit) const {
    Patience shorter(*wakeup_, stop_, limit);
    shorter.until_ = std::min(shorter.until_, until_);
    return shorter;
  }

  [[nodiscard]] bool IsStopped() const { return stop_.stop_requested(); }
  // Nobody is to wait any more.
  [[nodiscard]] bool IsOver() const { return IsStopped() || Clock::now() >= until_; }
  // True: `events` are there. False: the time is up, or we are to stop.
  [[nodiscard]] bool Wait(int descriptor, short events) const {
    while (!IsStopped()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now());
      if (left.count() <= 0) return false;
      std::array<pollfd, 2> watched{{{descriptor, events, 0}, {wakeup_->Get(), POLLIN, 0}}};
      ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
      if (watched[1].revents != 0) wakeup_->Clear();
      if (watched[0].revents != 0) return true;
    }
    return false;
  }

 private:
  const Wakeup* wakeup_;
  std::stop_token stop_;
  std::chrono::milliseconds limit_;
  Clock::time_point until_;
};

}  // namespace ddl
