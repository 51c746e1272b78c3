// SPDX-License-Identifier: Apache-2.0
#include "scheduler/host_link.h"

#include <algorithm>
#include <utility>

namespace ddl {

namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kFirstDelay = std::chrono::milliseconds(50);
constexpr nanoseconds kLongestDelay = std::chrono::seconds(2);
constexpr nanoseconds kDelayForUser = std::chrono::seconds(30);
// LinkSilent comes after 10 s without a word; 20 s later the link is remade.
constexpr nanoseconds kPatienceWithSilence = std::chrono::seconds(20);

}  // namespace

HostLink::HostLink(std::string name, Hello hello, MakeLink make)
    : name_(std::move(name)),
      hello_(std::move(hello)),
      make_(std::move(make)),
      dice_(static_cast<std::minstd_rand::result_type>(std::hash<std::string>()(name_))) {}

void HostLink::Send(ToHost message) {
  if (link_ && up_) link_->Send(std::move(message));
}

void HostLink::Keep(nanoseconds now) {
  if (silent_ && now - silent_since_ > kPatienceWithSilence) OnDown(now);
  if (link_ || now < connect_at_) return;
  link_ = make_(hello_);
}

void HostLink::GreetAgain() {
  link_.reset();
  up_ = false;
  connect_at_ = nanoseconds(0);
}

void HostLink::OnUp() {
  up_ = true;
  is_met_ = true;
  silent_ = false;
  delay_ = nanoseconds(0);
}

void HostLink::OnSilent(nanoseconds now) {
  if (!silent_) silent_since_ = now;
  silent_ = true;
}

void HostLink::OnDown(nanoseconds now, bool needs_user) {
  link_.reset();
  up_ = false;
  silent_ = false;
  const double share = std::uniform_real_distribution<>(0.5, 1.0)(dice_);
  const nanoseconds delay = needs_user ? kDelayForUser : delay_;
  connect_at_ = now + std::chrono::duration_cast<nanoseconds>(delay * share);
  delay_ = std::clamp(delay_ * 2, kFirstDelay, kLongestDelay);
}

}  // namespace ddl
