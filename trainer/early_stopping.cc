// SPDX-License-Identifier: Apache-2.0
#include "trainer/early_stopping.h"

namespace ddl {

Progress Advance(const EarlyStoppingSettings& settings, const Progress& before,
                 const Quality& validation) {
  const double figure = settings.watches_loss ? validation.loss : validation.accuracy.value();
  const double gain = !before.best            ? 0.0
                      : settings.watches_loss ? *before.best - figure
                                              : figure - *before.best;
  if (!before.best || gain > settings.min_delta) return {.best = figure, .stale = 0};
  return {.best = before.best, .stale = before.stale + 1};
}

}  // namespace ddl
