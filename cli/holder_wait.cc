// SPDX-License-Identifier: Apache-2.0
#include "cli/holder_wait.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{100};

}  // namespace

HolderWait::HolderWait(std::string folder, std::chrono::milliseconds patience)
    : folder_(std::move(folder)), patience_(patience) {
  BeginAgain();
}

void HolderWait::Pause() {
  if (std::chrono::steady_clock::now() >= until_) {
    throw Error(
        fmt::format("the store is in use by {}, which does not answer", StoreLock::Holder(folder_)),
        folder_, "wait for it, or end that process", ErrorKind::kInfrastructure);
  }
  std::this_thread::sleep_for(next_);
  next_ = std::min(2 * next_, kLongestPause);
}

void HolderWait::BeginAgain() {
  next_ = kFirstPause;
  until_ = std::chrono::steady_clock::now() + patience_;
}

}  // namespace ddl
