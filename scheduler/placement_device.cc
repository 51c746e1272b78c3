// SPDX-License-Identifier: Apache-2.0
#include "scheduler/placement_device.h"

#include <algorithm>
#include <cassert>

namespace ddl {

namespace {

constexpr std::chrono::nanoseconds kFirstPatience = std::chrono::seconds(1);
constexpr std::chrono::nanoseconds kMostPatience = std::chrono::seconds(30);
constexpr std::chrono::nanoseconds kNever{0};  // retry_at of a range that may be tried now

bool Overlap(int first, int length, int other_first, int other_length) {
  return first < other_first + other_length && other_first < first + length;
}

}  // namespace

std::optional<PlacementDevice::Gap> PlacementDevice::BestGap(int length) const {
  std::optional<Gap> best;
  const auto consider = [&](int begin, int end) {
    const int room = end - begin;
    if (room >= length && (!best || room < best->room)) best = Gap{begin, room};
  };
  int begin = 0;
  for (const Range& range : Occupied()) {
    consider(begin, range.first);
    begin = std::max(begin, range.first + range.length);
  }
  consider(begin, kWholeDevice);
  return best;
}

bool PlacementDevice::IsFree(int first, int length) const {
  const std::vector<Range> occupied = Occupied();
  return std::ranges::none_of(occupied, [&](const Range& range) {
    return Overlap(first, length, range.first, range.length);
  });
}

bool PlacementDevice::HasForeign() const {
  return std::ranges::any_of(foreign_, [](const auto& range) { return range.retry_at != kNever; });
}

std::string PlacementDevice::ForeignHolder() const {
  const auto found = std::ranges::find_if(
      foreign_, [](const ForeignRange& range) { return range.retry_at != kNever; });
  return found == foreign_.end() ? std::string() : found->holder;
}

void PlacementDevice::Take(int first, int length) {
  assert(first >= 0 && length > 0 && first + length <= kWholeDevice);
  const auto after =
      std::ranges::find_if(taken_, [&](const Range& range) { return range.first >= first; });
  assert(after == taken_.end() || first + length <= after->first);
  assert(after == taken_.begin() || (after - 1)->first + (after - 1)->length <= first);
  taken_.insert(after, Range{first, length});
}

void PlacementDevice::Free(int first, int length) {
  const auto found = std::ranges::find_if(
      taken_, [&](const Range& range) { return range.first == first && range.length == length; });
  assert(found != taken_.end());
  taken_.erase(found);
}

void PlacementDevice::MarkForeign(int first, int length, const std::string& holder,
                                  std::chrono::nanoseconds now) {
  const auto known = std::ranges::find_if(foreign_, [&](const ForeignRange& range) {
    return range.first == first && range.length == length;
  });
  if (known == foreign_.end()) {
    foreign_.push_back({first, length, now + kFirstPatience, kFirstPatience, holder});
    return;
  }
  known->patience = std::min(2 * known->patience, kMostPatience);
  known->retry_at = now + known->patience;
  known->holder = holder;
}

void PlacementDevice::ForgetForeign(int first, int length) {
  std::erase_if(foreign_, [&](const ForeignRange& range) {
    return Overlap(first, length, range.first, range.length);
  });
}

bool PlacementDevice::Retry(std::chrono::nanoseconds now) {
  bool due = false;
  for (ForeignRange& range : foreign_) {
    if (range.retry_at == kNever || range.retry_at > now) continue;
    range.retry_at = kNever;
    due = true;
  }
  return due;
}

std::vector<PlacementDevice::Range> PlacementDevice::Occupied() const {
  std::vector<Range> occupied = taken_;
  for (const ForeignRange& range : foreign_) {
    if (range.retry_at != kNever) occupied.push_back({range.first, range.length});
  }
  if (occupied.size() > taken_.size()) std::ranges::sort(occupied, {}, &Range::first);
  return occupied;
}

}  // namespace ddl
