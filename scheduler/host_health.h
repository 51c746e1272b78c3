// SPDX-License-Identifier: Apache-2.0
// Whether a host is fit for further trials, from how attempts end there. A host that fails one
// trial after the other is set aside, and tried again with one trial after a while that doubles:
//
//   three trials in a row, of different numbers, end by the host's fault          set aside
//   the same within two seconds and alike, while another host finishes trials,
//   or runs one for longer                                                         set aside
//   one trial ends well, or lives for two seconds before it fails by itself       fit again
//   the one that is tried after the pause ends by the host's fault                 aside, twice as
//                                                                                 long
//   stopped by our order, or lost after a minute of life                           says nothing
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "configs/ids.h"

namespace ddl {

enum class EndKind : std::uint8_t {
  kNeutral,
  kWell,
  kHostsFault,  // infrastructure
  kQuickly,     // of the trial's own making, but at once
};

struct HealthNews {
  EndKind kind = EndKind::kNeutral;
  SweepId sweep;
  std::int64_t number = 0;  // of the trial
  std::string what;         // as people read it
};

class HostHealth {
 public:
  using Time = std::chrono::nanoseconds;  // monotonic

  // `last_well_elsewhere`: when another host of the sweep was last seen to be fit for its trials.
  // True: the host is set aside by this.
  bool Note(const HealthNews& news, std::optional<Time> last_well_elsewhere, Time now);
  // True: the pause is over, one trial may be tried.
  bool Wake(Time now);
  // The user knows better.
  void Forgive();

  [[nodiscard]] bool IsAside() const { return aside_until_.has_value(); }
  // One trial at a time until one has ended well.
  [[nodiscard]] bool IsOnTrial() const { return is_on_trial_; }
  [[nodiscard]] const std::string& Why() const { return why_; }
  [[nodiscard]] std::optional<Time> AsideUntil() const { return aside_until_; }
  [[nodiscard]] std::optional<Time> LastWell() const { return last_well_; }

 private:
  void SetAside(Time now);
  void Reset();

  std::set<std::pair<SweepId, std::int64_t>> strikes_;  // trials, in a row
  bool are_quick_ = false;
  Time first_strike_{0};
  std::string why_;  // of the last strike
  std::optional<Time> aside_until_;
  bool is_on_trial_ = false;
  Time patience_{0};  // of the last time aside
  std::optional<Time> last_well_;
};

}  // namespace ddl
