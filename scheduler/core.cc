// SPDX-License-Identifier: Apache-2.0
#include "scheduler/core.h"

#include <algorithm>
#include <variant>

#include "scheduler/core_state.h"

namespace ddl {

Core::Core(CoreOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Core::Core(Core&&) noexcept = default;
Core& Core::operator=(Core&&) noexcept = default;
Core::~Core() = default;

void Core::Step(const Event& event, Now now, std::vector<Action>& actions) {
  Turn turn{now, actions};
  if (!state_->is_begun) {
    turn.Commit(EpochRaised{state_->options.epoch});
    state_->is_begun = true;
  }
  std::visit([&](const auto& what) { state_->On(what, turn); }, event);
  state_->Decide(turn);
}

bool Core::AllSweepsEnded() const {
  return std::ranges::all_of(state_->sweeps, [](const auto& entry) {
    return entry.second.HasEnded() || !entry.second.may_launch;
  });
}

void Core::State::On(const Tick&, Turn& turn) {
  for (auto& [name, host] : hosts) {
    host.slots.Retry(turn.now.monotonic);
  }
  WakeHosts(turn);
  RecallQueued(turn);
  FinishOverdue(turn);
  CountAway(turn);
  GiveUpLost(turn);
  needs_placement = true;
}

void Core::State::Decide(Turn& turn) {
  for (auto& [id, sweep] : sweeps) {
    CheckLimits(sweep, turn);
    Promote(sweep, turn);
  }
  if (needs_placement) PlaceAll(turn);
  needs_placement = false;
  for (auto& [id, sweep] : sweeps) {
    Conclude(sweep, turn);
  }
}

}  // namespace ddl
