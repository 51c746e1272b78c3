// SPDX-License-Identifier: Apache-2.0
#include "trainer/schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace ddl {

namespace {

// Half a cosine from `from` to `to`.
double Cosine(double from, double to, double done) {
  const double share = 0.5 * (1.0 + std::cos(std::numbers::pi * std::clamp(done, 0.0, 1.0)));
  return to + (from - to) * share;
}

// The last of `total` steps has the lowest rate.
double OneCycle(const ScheduleSettings& settings, double lr, double step, double total) {
  const double top = settings.rise * total - 1.0;
  const double start = lr / settings.start_factor;
  if (step <= top) return Cosine(start, lr, top > 0.0 ? step / top : 1.0);
  const double rest = total - 1.0 - top;
  return Cosine(lr, start / settings.end_factor, rest > 0.0 ? (step - top) / rest : 1.0);
}

}  // namespace

double LearningRate(const ScheduleSettings& settings, double lr, const ScheduleClock& clock) {
  assert(clock.steps_per_epoch > 0 && clock.epochs > 0);
  const auto per_epoch = static_cast<double>(clock.steps_per_epoch);
  const auto step = static_cast<double>(clock.step);
  const double warmup = settings.warmup_epochs * per_epoch;
  if (step < warmup) return lr * std::min(1.0, (step + 1.0) / warmup);
  switch (settings.kind) {
    case ScheduleKind::kConstant:
      return lr;
    case ScheduleKind::kStep: {
      const double epoch = std::floor(step / per_epoch);
      return lr * std::pow(settings.gamma, std::floor(epoch / settings.step_size));
    }
    case ScheduleKind::kCosine: {
      const double total = per_epoch * static_cast<double>(clock.epochs);
      return Cosine(lr, settings.min_lr, total > warmup ? (step - warmup) / (total - warmup) : 0.0);
    }
    case ScheduleKind::kOneCycle:
      return OneCycle(settings, lr, step, per_epoch * static_cast<double>(clock.epochs));
  }
  return lr;
}

}  // namespace ddl
