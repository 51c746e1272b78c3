// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/seed_outcomes.h"

#include <algorithm>

namespace ddl {

namespace {

Outcome::Kind KindOf(const SeedResult& seed) {
  if (seed.state == TrialState::kCanceled) return Outcome::Kind::kCanceled;
  if (seed.state == TrialState::kFailed || seed.values.empty()) return Outcome::Kind::kFailed;
  return seed.state == TrialState::kPruned ? Outcome::Kind::kPruned : Outcome::Kind::kFinished;
}

}  // namespace

std::optional<Outcome> OutcomeOverSeeds(const std::vector<SeedResult>& seeds) {
  Outcome outcome{.kind = Outcome::Kind::kCanceled, .values = {}};
  double count = 0;
  for (const SeedResult& seed : seeds) {
    if (!IsEnded(seed.state)) return std::nullopt;
    const Outcome::Kind kind = KindOf(seed);
    outcome.kind = std::min(outcome.kind, kind);
    if (kind >= Outcome::Kind::kFailed) continue;
    outcome.values.resize(seed.values.size());
    ++count;
    for (std::size_t i = 0; i < seed.values.size(); ++i)
      outcome.values[i] += seed.values[i] / count - outcome.values[i] / count;
  }
  return outcome;
}

}  // namespace ddl
