// SPDX-License-Identifier: Apache-2.0
// Virtual time: what is to happen, in the order of its time, and of its entry where that is equal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tests/simulation/random.h"

namespace ddl::simulation {

class Agenda {
 public:
  [[nodiscard]] Time Now() const { return now_; }

  void After(Time delay, std::function<void()> what) {
    entries_.push_back({now_ + std::max(delay, Time{0}), ++last_, std::move(what)});
    std::ranges::push_heap(entries_, Later);
  }

  bool RunNext() {
    if (entries_.empty()) return false;
    std::ranges::pop_heap(entries_, Later);
    const Entry next = std::move(entries_.back());
    entries_.pop_back();
    now_ = next.at;
    next.what();
    return true;
  }

 private:
  struct Entry {
    Time at{0};
    std::uint64_t order = 0;
    std::function<void()> what;
  };
  static bool Later(const Entry& a, const Entry& b) {
    return std::pair(a.at, a.order) > std::pair(b.at, b.order);
  }

  Time now_ = std::chrono::seconds(1'000'000);
  std::uint64_t last_ = 0;
  std::vector<Entry> entries_;  // a heap
};

}  // namespace ddl::simulation
