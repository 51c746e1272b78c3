// SPDX-License-Identifier: Apache-2.0
#include "scheduler/host_link.h"

#include <algorithm>
#include <utility>

namespace ddl {

namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kFirstDelay = std::chrono::milliseconds(50);
constexpr nanoseconds kLongestDelay = std::chrono::seconds(10);
// LinkSilent comes after 10 s without a word; 20 s later the link is remade.
constexpr nanoseconds kPatienceWithSilence = std::chrono::seconds(20);

}  // namespace

HostLink::HostLink(LocalLinkOptions options, Deliver deliver)
    : options_(std::move(options)), deliver_(std::move(deliver)) {}

void HostLink::Send(ToHost message) {
  if (link_ && up_) link_->Send(std::move(message));
}

void HostLink::Keep(nanoseconds now) {
  if (silent_ && now - silent_since_ > kPatienceWithSilence) OnDown(now);
  if (link_ || now < connect_at_) return;
  link_ = MakeLocalLink(options_, deliver_);
}

void HostLink::GreetAgain(std::uint64_t epoch) {
  options_.hello.epoch = epoch;
  link_.reset();
  up_ = false;
  connect_at_ = nanoseconds(0);
}

void HostLink::OnUp() {
  up_ = true;
  silent_ = false;
  delay_ = nanoseconds(0);
}

void HostLink::OnSilent(nanoseconds now) {
  if (!silent_) silent_since_ = now;
  silent_ = true;
}

void HostLink::OnDown(nanoseconds now) {
  link_.reset();
  up_ = false;
  silent_ = false;
  connect_at_ = now + delay_;
  delay_ = std::clamp(delay_ * 2, kFirstDelay, kLongestDelay);
}

}  // namespace ddl
