// SPDX-License-Identifier: Apache-2.0
// What the user asks of sweeps and trials. What is wanted of a running trial is committed before
// the order is sent, and delivered again after an adoption.
#include <algorithm>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "scheduler/core_state.h"
#include "scheduler/reasons.h"
#include "scheduler/search/search.h"

namespace ddl {

namespace {

std::string_view PastOf(TrialState ended) {
  switch (ended) {
    case TrialState::kFinished:
      return "finished";
    case TrialState::kPruned:
      return "been pruned";
    case TrialState::kFailed:
      return "failed";
    default:
      return "been canceled";
  }
}

}  // namespace

void Core::State::On(const UserAsked& asked, Turn& turn) {
  const auto answer = [&](bool ok, std::string text) {
    turn.actions.emplace_back(Answer{asked.request, ok, std::move(text)});
  };
  if (asked.verb == UserVerb::kShutdown) {
    is_leaving = true;
    return answer(true, fmt::format("{} trials go on without the coordinator", jobs.size()));
  }
  if (IsOfHosts(asked.verb)) {
    Reply reply = ObeyForHost(asked, turn);
    needs_placement = true;
    return answer(reply.ok, std::move(reply.text));
  }
  const auto found = sweeps.find(asked.sweep);
  if (found == sweeps.end() && PlantedBug(Bug::kSilentRefusal)) return;
  if (found == sweeps.end()) return answer(false, "that sweep is not open; run: ddl sweep");
  SweepRun& sweep = found->second;
  const std::int64_t trials =
      sweep.trials.IsOpenEnded() ? sweep.trials.Touched() : sweep.trials.Planned();
  for (const std::int64_t number : asked.trials) {
    if (number >= 1 && number <= trials) continue;
    return answer(false,
                  fmt::format("there is no trial {}; {} has {}", number, sweep.spec.name, trials));
  }
  needs_placement = true;
  const bool waits_for_secrets = !MayReopen(sweep, asked.verb);
  Reply reply = asked.verb == UserVerb::kExtend ? Extend(sweep, asked.extend_by.value_or(0), turn)
                : asked.verb == UserVerb::kExplain ? ExplainAll(sweep, asked.trials, turn)
                : asked.trials.empty()             ? ObeyForSweep(sweep, asked.verb, turn)
                                                   : ObeyForTrials(sweep, asked, turn);
  if (reply.ok && waits_for_secrets)
    reply.text += "; it starts by ddl sweep, which has its secrets";
  answer(reply.ok, std::move(reply.text));
}

// Of an act that may let an ended sweep go on: true where its trials may start then.
bool Core::State::MayReopen(SweepRun& sweep, UserVerb verb) {
  const bool reopens =
      verb == UserVerb::kRetry || verb == UserVerb::kExtend || verb == UserVerb::kResume;
  if (!sweep.HasEnded() || !reopens) return true;
  sweep.may_launch = std::ranges::all_of(sweep.spec.secrets, [&](const SecretVariable& secret) {
    return sweep.secrets.contains(secret.secret);
  });
  return sweep.may_launch;
}

Core::State::Reply Core::State::ObeyForSweep(SweepRun& sweep, UserVerb verb, Turn& turn) {
  const std::string& name = sweep.spec.name;
  if (verb == UserVerb::kRetry) {
    const std::int64_t failed = sweep.trials.Count(TrialState::kFailed);
    if (failed == 0) return {false, fmt::format("no trial of {} has failed", name)};
    ReopenFailed(sweep, turn);
    return {true, fmt::format("{} failed trials of {} wait to run again", failed, name)};
  }
  const bool is_resumed = verb == UserVerb::kResume && sweep.trials.Count(TrialState::kPaused) > 0;
  if (sweep.HasEnded() && !is_resumed) {
    const std::string why = sweep.reason.empty() ? "" : ": " + sweep.reason;
    return {false, fmt::format("{} has ended{}", name, why)};
  }
  if (verb == UserVerb::kStop) {
    BeginEnding(sweep, SweepOutcome::kStoppedByUser, std::string(kStoppedByUser), turn);
    StopAll(sweep, StopCause::kSweepEnds, {}, turn);
    return {true, fmt::format("{} stops; {} trials are told to leave", name, sweep.live)};
  }
  sweep.is_paused = verb == UserVerb::kPause;
  if (verb == UserVerb::kPause) {
    StopAll(sweep, StopCause::kUserPause, {}, turn);
    return {true, fmt::format("{} pauses; {} trials are told to write a checkpoint and leave", name,
                              sweep.live)};
  }
  std::int64_t resumed = 0;
  for (std::int64_t number = 1; number <= sweep.trials.Touched(); ++number) {
    // Those that their pruner holds go on by its word, or each by name.
    if (!sweep.held.contains(number)) resumed += ResumeTrial(sweep, number, turn).ok ? 1 : 0;
  }
  return {true, fmt::format("{} goes on, with {} paused trials", name, resumed)};
}

Core::State::Reply Core::State::ObeyForTrials(SweepRun& sweep, const UserAsked& asked, Turn& turn) {
  Reply all{false, ""};
  for (const std::int64_t number : asked.trials) {
    const Reply one = ObeyForTrial(sweep, number, asked.verb, turn);
    all.ok |= one.ok;
    all.text += fmt::format("{}trial {} {}", all.text.empty() ? "" : "; ", number, one.text);
  }
  return all;
}

Core::State::Reply Core::State::ObeyForTrial(SweepRun& sweep, std::int64_t number, UserVerb verb,
                                             Turn& turn) {
  const TrialState state = sweep.trials.Of(number).state;
  if (verb == UserVerb::kRetry) return RetryTrial(sweep, number, turn);
  if (IsEnded(state)) return {false, fmt::format("has already {}", PastOf(state))};
  if (verb == UserVerb::kResume) return ResumeTrial(sweep, number, turn);
  return HaltTrial(sweep, number, verb == UserVerb::kPause ? Wanted::kPause : Wanted::kStop, turn);
}

// Stop or pause, whatever the trial is doing.
Core::State::Reply Core::State::HaltTrial(SweepRun& sweep, std::int64_t number, Wanted wanted,
                                          Turn& turn) {
  const bool is_pause = wanted == Wanted::kPause;
  const TrialRecord trial = sweep.trials.Of(number);
  if (is_pause && trial.state == TrialState::kPaused) return {false, "is paused already"};
  Release(sweep, number);
  if (trial.job) {
    Stop(jobs.at(trial.job), is_pause ? StopCause::kUserPause : StopCause::kUserStop, turn);
    return {true, is_pause ? "is told to write a checkpoint and leave" : "is told to stop"};
  }
  const std::int64_t configuration = sweep.ConfigurationOf(number);
  const bool is_known = trial.id || sweep.proposals.Find(configuration) != nullptr;
  if (!is_known && Learns(sweep.spec.method)) {
    return {false, "has no configuration yet: the search chooses it when it is to start"};
  }
  if (!is_known) {
    // Its row needs its configuration, which comes in a moment.
    sweep.trials.Touch(number).wanted = wanted;
    sweep.wanted_unproposed.insert(number);
    if (const auto question = sweep.proposals.AskOne(configuration)) {
      turn.actions.emplace_back(AskSearch{sweep.id, question->first, question->count});
    }
  } else {
    EnsureRow(sweep, number, turn);
    SettleHalt(sweep, number, wanted, turn);
  }
  return {true, is_pause ? "is paused" : "is canceled"};
}

void Core::State::SettleHalt(SweepRun& sweep, std::int64_t number, Wanted wanted, Turn& turn) {
  const bool is_pause = wanted == Wanted::kPause;
  const std::string reason(is_pause ? kPausedByUser : kStoppedByUser);
  Move(sweep, number, is_pause ? TrialState::kPaused : TrialState::kCanceled, reason, turn);
  sweep.told[number] = {reason, {}, 0, 0};
  if (is_pause) return;
  TellSearchOf(sweep, sweep.ConfigurationOf(number), turn);
  DropConfiguration(sweep, sweep.ConfigurationOf(number));
}

void Core::State::ObeyLate(SweepRun& sweep, Turn& turn) {
  for (auto next = sweep.wanted_unproposed.begin(); next != sweep.wanted_unproposed.end();) {
    const std::int64_t number = *next;
    if (sweep.proposals.Find(sweep.ConfigurationOf(number)) == nullptr) {
      ++next;
      continue;
    }
    next = sweep.wanted_unproposed.erase(next);
    const Wanted wanted = std::exchange(sweep.trials.Touch(number).wanted, Wanted::kNothing);
    if (wanted == Wanted::kNothing) continue;
    EnsureRow(sweep, number, turn);
    SettleHalt(sweep, number, wanted, turn);
  }
}

Core::State::Reply Core::State::ResumeTrial(SweepRun& sweep, std::int64_t number, Turn& turn) {
  const TrialRecord trial = sweep.trials.Of(number);
  if (trial.state == TrialState::kPaused) {
    const bool was_held = sweep.held.contains(number);
    Release(sweep, number);
    Move(sweep, number, TrialState::kWaiting,
         std::string(was_held ? kPromotedByUser : kResumedByUser), turn);
    sweep.told.erase(number);
    Revive(sweep, turn);
    return {true, "goes on"};
  }
  if (trial.wanted != Wanted::kPause) return {false, "is not paused"};
  if (!trial.job) {  // its configuration is still on its way
    sweep.trials.Touch(number).wanted = Wanted::kNothing;
    return {true, "goes on"};
  }
  Want(sweep, number, Wanted::kNothing, turn);
  jobs.at(trial.job).stop = StopCause::kResumed;
  return {true, "goes on once it has left"};
}

Core::State::Reply Core::State::RetryTrial(SweepRun& sweep, std::int64_t number, Turn& turn) {
  const TrialState state = sweep.trials.Of(number).state;
  if (state == TrialState::kFinished) return {false, "finished; there is nothing to retry"};
  if (sweep.held.contains(number)) {
    return {false, "is paused by its pruner; it goes on by `ddl resume`"};
  }
  if (!IsEnded(state)) return {false, fmt::format("is {}; it has not ended", ToString(state))};
  sweep.losers.erase(sweep.ConfigurationOf(number));
  Reopen(sweep, number, std::string(kRetriedByUser), turn);
  Revive(sweep, turn);
  return {true, "waits to run again"};
}

Core::State::Reply Core::State::Extend(SweepRun& sweep, std::int64_t by, Turn& turn) {
  if (by <= 0) return {false, "say by how many trials: ddl extend SWEEP --by N"};
  if (sweep.trials.IsOpenEnded()) {
    return {false, fmt::format("{} goes on until it is stopped", sweep.spec.name)};
  }
  if (sweep.spec.pbt) {
    return {false,
            "pbt ends with its trainings: make these longer in the spec, and begin another "
            "sweep of it with ddl sweep --new"};
  }
  SweepSpec longer = sweep.spec;
  if (!longer.run_cap_before_extension) longer.run_cap_before_extension = longer.run_cap;
  longer.run_cap = sweep.trials.Planned() + by;
  const std::int64_t possible = PlannedTrials(longer);
  if (possible < *longer.run_cap || sweep.proposals.Exhausted()) {
    return {false, fmt::format("{} has {} trials and its space no more than {}", sweep.spec.name,
                               sweep.trials.Planned(), possible)};
  }
  ApplySpec(sweep, longer, turn);
  Revive(sweep, turn);
  return {true, fmt::format("{} has {} trials now", sweep.spec.name, possible)};
}

Core::State::Reply Core::State::ExplainAll(const SweepRun& sweep,
                                           const std::vector<std::int64_t>& numbers,
                                           const Turn& turn) const {
  if (numbers.empty()) {
    const std::string waits = WaitsFor(sweep, turn.now);
    return {true, waits.empty() ? "nothing keeps its trials from starting" : waits};
  }
  Reply all{true, ""};
  for (const std::int64_t number : numbers) {
    const auto text = ExplainTrial(sweep, number, turn.now);
    if (!text) return {false, ""};
    all.text += (all.text.empty() ? "" : "\n") + *text;
  }
  return all;
}

}  // namespace ddl
