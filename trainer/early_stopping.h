// SPDX-License-Identifier: Apache-2.0
// Ends a training whose validation has not become better for some epochs.
#pragma once

#include <cstdint>
#include <optional>

#include "trainer/metric_line.h"

namespace ddl {

struct EarlyStoppingSettings {
  std::uint64_t patience = 0;  // epochs without a better figure; 0: off
  bool watches_loss = false;   // val_loss, else val_accuracy
  double min_delta = 0.0;      // what counts as better: by more than this
};

// What a training remembers of its validation.
struct Progress {
  std::optional<double> best;  // of the watched figure
  std::uint64_t stale = 0;     // epochs since then

  bool operator==(const Progress&) const = default;
};

// After one more epoch.
[[nodiscard]] Progress Advance(const EarlyStoppingSettings& settings, const Progress& before,
                               const Quality& validation);

[[nodiscard]] inline bool HasStalled(const EarlyStoppingSettings& settings,
                                     const Progress& progress) {
  return settings.patience > 0 && progress.stale >= settings.patience;
}

}  // namespace ddl
