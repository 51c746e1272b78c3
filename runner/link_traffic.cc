// SPDX-License-Identifier: Apache-2.0
#include "runner/link_traffic.h"

#include <optional>
#include <utility>

namespace ddl {

namespace {

constexpr std::chrono::seconds kHeartbeatEvery{2};
constexpr std::chrono::seconds kSilentAfter{10};

}  // namespace

std::string LinkTraffic::Received(std::string_view bytes) {
  heard_ = std::chrono::steady_clock::now();
  told_silent_ = false;
  frames_.Add(bytes);
  while (std::optional<FromHost> message = frames_.Next<FromHost>()) {
    deliver_({host_, *std::move(message)});
  }
  return frames_.Problem();
}

void LinkTraffic::Refill() {
  for (const ToHost& message : outbox_.TakeAll(std::chrono::nanoseconds(0))) {
    AppendFrame(message, out_);
  }
  KeepHeartbeat();
}

void LinkTraffic::KeepHeartbeat() {
  const auto now = std::chrono::steady_clock::now();
  if (now - beaten_ > kHeartbeatEvery) {
    AppendFrame(ToHost(Heartbeat{++beats_}), out_);
    beaten_ = now;
  }
  if (now - heard_ > kSilentAfter && !told_silent_) {
    told_silent_ = true;
    deliver_({host_, LinkSilent{}});
  }
}

}  // namespace ddl
