// SPDX-License-Identifier: Apache-2.0
#include "scheduler/host_health.h"

#include <algorithm>

namespace ddl {

namespace {

constexpr std::size_t kStrikes = 3;
constexpr HostHealth::Time kFirstPause = std::chrono::minutes(1);
constexpr HostHealth::Time kLongestPause = std::chrono::minutes(30);

}  // namespace

bool HostHealth::Note(const HealthNews& news, std::optional<Time> last_well_elsewhere, Time now) {
  if (news.kind == EndKind::kNeutral || IsAside()) return false;
  if (news.kind == EndKind::kWell) {
    last_well_ = now;
    Reset();
    return false;
  }
  const bool is_quick = news.kind == EndKind::kQuickly;
  const bool is_alike = is_quick == are_quick_ && (!is_quick || news.what == why_);
  if (!strikes_.empty() && !is_alike) strikes_.clear();
  if (strikes_.empty()) first_strike_ = now;
  strikes_.emplace(news.sweep, news.number);
  are_quick_ = is_quick;
  why_ = news.what;
  // What fails everywhere is no fault of this host.
  if (is_quick && (!last_well_elsewhere || *last_well_elsewhere < first_strike_)) return false;
  if (strikes_.size() < kStrikes && !is_on_trial_) return false;
  SetAside(now);
  return true;
}

void HostHealth::SetAside(Time now) {
  patience_ = std::clamp(patience_ * 2, kFirstPause, kLongestPause);
  aside_until_ = now + patience_;
  is_on_trial_ = false;
  strikes_.clear();
}

bool HostHealth::Wake(Time now) {
  if (!aside_until_ || now < *aside_until_) return false;
  aside_until_.reset();
  is_on_trial_ = true;
  return true;
}

void HostHealth::Forgive() {
  aside_until_.reset();
  Reset();
}

void HostHealth::Reset() {
  strikes_.clear();
  why_.clear();
  is_on_trial_ = false;
  patience_ = Time(0);
}

}  // namespace ddl
