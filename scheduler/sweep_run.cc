// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sweep_run.h"

#include <algorithm>

namespace ddl {

void RecentEnds::Add(std::chrono::nanoseconds at, std::chrono::nanoseconds wall) {
  End& place = ends_[count_ % kKept];
  wall_sum_ += wall - place.wall;
  place = {at, wall};
  ++count_;
}

std::optional<std::chrono::nanoseconds> RecentEnds::MeanWall() const {
  constexpr std::size_t kEnough = 4;
  if (count_ < kEnough) return std::nullopt;
  return wall_sum_ / static_cast<std::int64_t>(std::min(count_, kKept));
}

double RecentEnds::PerSecond(std::chrono::nanoseconds now) const {
  if (count_ < 2) return 0;
  const std::size_t kept = std::min(count_, kKept);
  const auto oldest = ends_[count_ > kKept ? count_ % kKept : 0].at;
  // Up to now and not up to the last end: a rate decays while nothing ends.
  const double seconds = std::chrono::duration<double>(now - oldest).count();
  return seconds <= 0 ? 0 : static_cast<double>(kept - 1) / seconds;
}

std::chrono::nanoseconds SweepRun::Busy(std::chrono::nanoseconds now) const {
  return busy_before + (busy_since ? now - *busy_since : std::chrono::nanoseconds{0});
}

void SweepRun::WasBusyFor(std::chrono::nanoseconds least, std::chrono::nanoseconds now) {
  busy_before += std::max(std::chrono::nanoseconds{0}, least - Busy(now));
}

}  // namespace ddl
