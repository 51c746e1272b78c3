// SPDX-License-Identifier: Apache-2.0
#include "runner/link_traffic.h"

#include <optional>
#include <utility>

namespace ddl {

namespace {

constexpr std::chrono::seconds kHeartbeatEvery{2};
constexpr std::chrono::seconds kSilentAfter{10};
constexpr std::size_t kNearlyEmpty = std::size_t{64} << 10U;

}  // namespace

std::string LinkTraffic::Received(std::string_view bytes) {
  heard_ = std::chrono::steady_clock::now();
  told_silent_ = false;
  frames_.Add(bytes);
  while (std::optional<FromHost> message = frames_.Next<FromHost>()) {
    if (const auto* news = std::get_if<CodeNews>(&*message)) code_.Heard(*news, heard_);
    deliver_({host_, *std::move(message)});
  }
  return frames_.Problem();
}

void LinkTraffic::Refill() {
  for (const ToHost& message : outbox_.TakeAll(std::chrono::nanoseconds(0))) {
    if (const auto* offer = std::get_if<OfferCode>(&message)) code_.Offered(*offer);
    AppendFrame(message, out_);
  }
  KeepHeartbeat();
  SendCode();
}

void LinkTraffic::SendCode() {
  while (out_.size() < kNearlyEmpty) {
    std::optional<CodeBytes> piece = code_.Next(std::chrono::steady_clock::now());
    if (!piece) break;
    AppendFrame(ToHost(*std::move(piece)), out_);
  }
  if (std::optional<CodeNews> problem = code_.TakeProblem()) {
    deliver_({host_, FromHost(*std::move(problem))});
  }
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
