// SPDX-License-Identifier: Apache-2.0
// The user: opens sweeps, acts at any time, asks for what makes no sense, changes specs in place.
#include <algorithm>
#include <utility>

#include "configs/json.h"
#include "tests/simulation/world.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

void World::PlanUser() {
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    witness_.SweepIsPlanned(specs_[i]);
    around_.agenda.After(around_.scenario.sweeps[i].opened_at, [this, i] {
      asked_for_.insert(i);
      OpenSweep(i, false);
    });
  }
}

void World::OpenSweep(std::size_t index, bool retry_failed) {
  Loop& loop = *loops_.back();
  if (!loop.IsAlive()) return;  // whoever starts it again asks for all
  if (loop.IsStopped()) {
    around_.agenda.After(seconds(10),
                         [this, index, retry_failed] { OpenSweep(index, retry_failed); });
    return;
  }
  if (loop.Open(specs_[index], retry_failed)) return;
  // A file that asks for less than an extension gave is refused: its user asks for as much.
  const auto known = store_.Load(specs_[index].name);
  specs_[index].run_cap = SpecFromJson(ParseJson(known->spec_json, "spec in the store")).run_cap;
  if (!loop.Open(specs_[index], retry_failed)) {
    Surroundings::Violate("all that can end ends", "a sweep is refused with its own run_cap");
  }
}

void World::Act() {
  Loop& loop = *loops_.back();
  if (!loop.IsAlive() || loop.IsStopped()) return;
  static const std::vector<UserVerb> kVerbs{UserVerb::kStop,   UserVerb::kPause, UserVerb::kPause,
                                            UserVerb::kResume, UserVerb::kRetry, UserVerb::kExtend,
                                            UserVerb::kExplain};
  UserAsked asked;
  asked.request = ++last_request_;
  asked.verb = around_.dice.Pick(kVerbs);
  asked.sweep = SweepId{around_.dice.Between(1, std::ssize(specs_) + 1)};
  if (asked.verb == UserVerb::kExtend) asked.extend_by = around_.dice.Between(0, 3);
  const bool of_trials = around_.dice.Chance(asked.verb == UserVerb::kStop ? 950'000 : 700'000);
  const auto sweep = store_.Sweeps().find(asked.sweep);
  if (of_trials && sweep != store_.Sweeps().end()) {
    const std::int64_t planned = sweep->second.last.trials_planned.value_or(1);
    for (std::int64_t i = around_.dice.Between(1, 3); i > 0; --i)
      asked.trials.push_back(around_.dice.Between(1, planned + (around_.dice.Half() ? 0 : 1)));
  }
  loop.Ask(std::move(asked));
}

void World::ChangeSpec() {
  const auto index = static_cast<std::size_t>(around_.dice.Below(std::ssize(specs_)));
  if (!asked_for_.contains(index)) return;
  SweepSpec& spec = specs_[index];
  const std::int64_t what = around_.dice.Below(5);
  if (what == 0 && spec.run_cap && spec.method != Method::kGrid) {
    spec.run_cap = *spec.run_cap + around_.dice.Between(1, 5);
  }
  if (what == 1) spec.parallel = static_cast<int>(around_.dice.Between(1, 6));
  if (what == 2) spec.retries = static_cast<int>(around_.dice.Between(0, 3));
  if (what == 3) spec.description += "x";
  OpenSweep(index, what == 4);
}

// Once all faults have ended: what is paused goes on, what was left is asked for again. Each time
// costs as much as a start of the coordinator: the longer the trials, the rarer.
void World::ResumeAll() {
  Loop& loop = *loops_.back();
  if (loop.IsAlive() && !loop.IsStopped()) {
    for (const std::size_t index : asked_for_)
      OpenSweep(index, false);
    for (const auto& [id, sweep] : store_.Sweeps()) {
      if (sweep.last.state != SweepState::kRunning || !loop.IsAlive()) continue;
      UserAsked asked;
      asked.request = ++last_request_;
      asked.verb = UserVerb::kResume;
      asked.sweep = id;
      loop.Ask(std::move(asked));
    }
  }
  around_.agenda.After(std::max<Time>(seconds(60), Patience() / 20), [this] { ResumeAll(); });
}

}  // namespace ddl::simulation
