// SPDX-License-Identifier: Apache-2.0
#include "scheduler/trial_table.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace ddl {

namespace {

std::size_t Place(std::int64_t number) {
  return static_cast<std::size_t>(number - 1);
}

std::size_t Place(TrialState state) {
  return static_cast<std::size_t>(state);
}

constexpr TrialRecord kUntouched{};

// In the order of the enumerators.
constexpr std::array<std::string_view, 6> kWantedWords{"",      "stop",  "pause",
                                                       "leave", "prune", "part done"};

}  // namespace

std::string_view ToString(Wanted wanted) {
  return kWantedWords.at(static_cast<std::size_t>(wanted));
}

Wanted ParseWanted(std::string_view word) {
  const auto* found = std::ranges::find(kWantedWords, word);
  return found == kWantedWords.end() ? Wanted::kNothing
                                     : static_cast<Wanted>(found - kWantedWords.begin());
}

void TrialTable::Plan(std::int64_t planned) {
  assert(planned >= planned_ || planned >= Touched());
  planned_ = planned;
}

TrialRecord TrialTable::Of(std::int64_t number) const {
  assert(number >= 1 && number <= planned_);
  return number <= Touched() ? records_[Place(number)] : TrialRecord{};
}

TrialRecord& TrialTable::Touch(std::int64_t number) {
  assert(number >= 1 && number <= planned_);
  if (number > Touched()) records_.resize(static_cast<std::size_t>(number));
  return records_[Place(number)];
}

void TrialTable::Move(std::int64_t number, TrialState to, std::chrono::nanoseconds not_before) {
  TrialRecord& record = Touch(number);
  assert(CanMove(record.state, to));
  Leave(number, record);
  record.not_before = not_before;
  Enter(number, record, to);
}

void TrialTable::Reopen(std::int64_t number) {
  TrialRecord& record = Touch(number);
  assert(IsEnded(record.state));
  Leave(number, record);
  record.failures = 0;
  record.mishaps = 0;
  record.idle_continuations = 0;
  record.not_before = {};
  Enter(number, record, TrialState::kWaiting);
}

void TrialTable::Restore(std::int64_t number, const TrialRecord& record) {
  TrialRecord& place = Touch(number);
  assert(place.state == TrialState::kWaiting && !place.id);
  place = record;
  Enter(number, place, record.state);
}

std::int64_t TrialTable::Count(TrialState state) const {
  if (state != TrialState::kWaiting) return counts_[Place(state)];
  return planned_ - std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::int64_t TrialTable::WaitingOfPlan() const {
  const std::int64_t untouched = IsOpenEnded() ? planned_ - Touched() : 0;
  return Count(TrialState::kWaiting) - untouched;
}

std::optional<std::int64_t> TrialTable::NextWaiting(std::chrono::nanoseconds now,
                                                    const Passed& are_passed) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    ready_.insert(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
  }
  for (const std::int64_t number : ready_) {
    if (!are_passed || !are_passed(number)) return number;
  }
  while (fresh_ <= Touched()) {
    const bool waits = records_[Place(fresh_)].state == TrialState::kWaiting;
    if (waits && !(are_passed && are_passed(fresh_))) break;
    if (waits) ready_.insert(fresh_);  // passed over: from now on as one that came back
    ++fresh_;
  }
  std::int64_t next = fresh_;
  const auto is_left_out = [&](std::int64_t number) {
    const bool is_touched = number <= Touched();
    const TrialRecord& record = is_touched ? records_[Place(number)] : kUntouched;
    return record.state != TrialState::kWaiting || record.not_before > now ||
           (are_passed && are_passed(number));
  };
  while (next <= planned_ && is_left_out(next))
    ++next;
  if (next > planned_) return std::nullopt;
  return next;
}

std::optional<std::chrono::nanoseconds> TrialTable::NextDelayed() const {
  if (delayed_.empty()) return std::nullopt;
  return delayed_.begin()->first;
}

std::int64_t TrialTable::Ahead(std::int64_t number) const {
  if (number < fresh_) return std::distance(ready_.begin(), ready_.lower_bound(number));
  std::int64_t ahead = std::ssize(ready_) + std::max<std::int64_t>(0, number - 1 - Touched());
  for (std::int64_t other = fresh_; other < std::min(number, Touched() + 1); ++other) {
    ahead += records_[Place(other)].state == TrialState::kWaiting ? 1 : 0;
  }
  // Numbers between the last touched one and the cursor are not before it twice.
  return ahead - std::max<std::int64_t>(0, fresh_ - 1 - Touched());
}

void TrialTable::Enter(std::int64_t number, TrialRecord& record, TrialState to) {
  record.state = to;
  if (to != TrialState::kWaiting) {
    ++counts_[Place(to)];
    return;
  }
  if (record.not_before.count() > 0) {
    delayed_.emplace(record.not_before, number);
  } else if (number < fresh_) {
    ready_.insert(number);
  }
}

void TrialTable::Leave(std::int64_t number, const TrialRecord& record) {
  if (record.state != TrialState::kWaiting) {
    --counts_[Place(record.state)];
    return;
  }
  // Whatever becomes of it: from now on it is one that came back.
  if (number == fresh_) ++fresh_;
  ready_.erase(number);
  delayed_.erase({record.not_before, number});
}

}  // namespace ddl
