// SPDX-License-Identifier: Apache-2.0
#include "trainer/optimizer.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace ddl {

int StateTensors(const OptimizerSettings& settings) {
  switch (settings.kind) {
    case OptimizerKind::kSgd:
      return settings.momentum == 0.0 ? 0 : 1;
    case OptimizerKind::kLion:
      return 1;
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
    case OptimizerKind::kMuon:
      return 2;
  }
  return 2;
}

UpdateRule RuleAt(const OptimizerSettings& settings, double lr, std::uint64_t step) {
  assert(step >= 1);
  const auto narrow = [](double value) { return static_cast<float>(value); };
  const auto t = static_cast<double>(step);
  const bool is_muon = settings.kind == OptimizerKind::kMuon;
  assert(!is_muon || settings.lr > 0.0);
  return {.kind = is_muon ? OptimizerKind::kAdamW : settings.kind,
          .lr = narrow(is_muon ? settings.adam_lr * (lr / settings.lr) : lr),
          .matrix_lr = narrow(lr),
          .weight_decay = narrow(settings.weight_decay),
          .momentum = narrow(settings.momentum),
          .is_nesterov = settings.is_nesterov,
          .beta1 = narrow(settings.beta1),
          .beta2 = narrow(settings.beta2),
          .rest1 = narrow(1.0 - settings.beta1),
          .rest2 = narrow(1.0 - settings.beta2),
          .epsilon = narrow(settings.epsilon),
          .first_correction = narrow(1.0 / (1.0 - std::pow(settings.beta1, t))),
          .second_correction = narrow(1.0 / (1.0 - std::pow(settings.beta2, t)))};
}

float AverageRate(double decay, std::uint64_t step) {
  const auto t = static_cast<double>(step);
  return static_cast<float>(1.0 - std::min(decay, (1.0 + t) / (10.0 + t)));
}

}  // namespace ddl
