// SPDX-License-Identifier: Apache-2.0
// Where trials start that go on from a checkpoint, their parent's or one of their own:
//
//   the host where it was left has room     there
//   another host that has it has room       there
//   another host has room                   it is brought there, while others are placed; the trial
//                                           starts on whichever of its hosts has room first
//   no host has room                        the trial waits
//   its host is lost, and no copy is here   anywhere: a trial of pbt fails for want of it, one that
//                                           was promoted begins anew
//
// What is brought comes to this machine first, by the loop's FetchCheckpoint, and travels on like a
// sweep's code, so a second host gets it without the first.
#include <algorithm>

#include <fmt/format.h>

#include "scheduler/core_state.h"

namespace ddl {

namespace {

constexpr std::chrono::nanoseconds kFetchAgainAfter = std::chrono::seconds(10);

}  // namespace

// Nothing: it begins anew, or wherever it starts there is nothing to be had.
std::optional<Core::State::Checkpoint> Core::State::CheckpointFor(const SweepRun& sweep,
                                                                  std::int64_t number) const {
  const auto parent = ParentOf(sweep, number);
  const auto& places = parent ? sweep.ran_on : sweep.checkpoint_at;
  const auto place = places.find(parent.value_or(number));
  if (place == places.end()) return std::nullopt;
  const std::vector<std::string>& names = sweep.spec.hosts;
  if (names.size() == 1 && names.front() == place->second) return std::nullopt;
  const CheckpointCopy* copy = CopyOf(sweep, place->first);
  const bool is_none = copy != nullptr && copy->is_none;
  if (is_none || IsLost(sweep, number, place->second)) return std::nullopt;
  const auto own = parent ? sweep.ran_on.find(number) : sweep.ran_on.end();
  return Checkpoint{.of = place->first,
                    .host = place->second,
                    .code = copy == nullptr ? std::string() : copy->code,
                    .rather = own == sweep.ran_on.end() ? place->second : own->second};
}

// One of an earlier attempt is older than what lies on the host.
const CheckpointCopy* Core::State::CopyOf(const SweepRun& sweep, std::int64_t number) {
  const auto copy = sweep.copies.find(number);
  const bool is_it =
      copy != sweep.copies.end() && copy->second.attempt == sweep.trials.Of(number).attempts;
  return is_it ? &copy->second : nullptr;
}

// Not before it is known that this machine has no copy, which an earlier coordinator may have made.
// What is promoted may begin anew where waiting is of no use; a trial of pbt would only fail.
bool Core::State::IsLost(const SweepRun& sweep, std::int64_t number,
                         const std::string& name) const {
  const auto parent = ParentOf(sweep, number);
  const CheckpointCopy* copy = CopyOf(sweep, parent.value_or(number));
  if (copy == nullptr || !copy->code.empty()) return false;
  const bool may_yet_come = copy->is_asked && copy->problem.empty();
  if (may_yet_come) return false;
  const bool is_of_sweep = std::ranges::count(sweep.spec.hosts, name) > 0;
  const auto host = hosts.find(name);
  if (host == hosts.end()) return !is_of_sweep;
  const HostState& state = host->second;
  if (state.is_up) {
    const bool is_too_small = !state.slots.NeverFits(sweep.request).empty();
    return !parent && (!is_of_sweep || state.IsClosed() || is_too_small);
  }
  return state.away >= sweep.spec.lost_after || !is_of_sweep || (!parent && state.drained);
}

bool Core::State::HasCheckpoint(const Checkpoint& checkpoint, const std::string& name,
                                const HostState& host) {
  return name == checkpoint.host ||
         (!checkpoint.code.empty() && host.code_folders.contains(checkpoint.code));
}

// The folder with it on a host that it was not left on; "": it was, or there is none.
std::string Core::State::WhereBrought(const SweepRun& sweep, std::int64_t number,
                                      const std::string& name) const {
  const auto checkpoint = CheckpointFor(sweep, number);
  if (!checkpoint || checkpoint->host == name) return {};
  return hosts.at(name).code_folders.at(checkpoint->code);
}

// A host of the sweep on which its trials may start, now or later.
bool Core::State::TakesTrials(const SweepRun& sweep, const std::string& name) const {
  const auto found = hosts.find(name);
  if (found == hosts.end() || std::ranges::count(sweep.spec.hosts, name) == 0) return false;
  const HostState& host = found->second;
  return host.is_up && !host.IsClosed() && HasCode(sweep, host) &&
         host.slots.NeverFits(sweep.request).empty();
}

// Beside those that are brought there already.
bool Core::State::HasRoomFor(const SweepRun& sweep, std::int64_t number,
                             const std::string& name) const {
  const HostState& host = hosts.at(name);
  HostSlots room = host.slots;
  std::int64_t coming = 0;
  for (const auto& [id, other] : sweeps) {
    for (const auto& [bound, to] : other.bound_for) {
      const bool is_own = id == sweep.id && bound == number;
      if (to != name || is_own || other.trials.Of(bound).state != TrialState::kWaiting) continue;
      if (const auto slots = room.Fit(RequestOfTrial(other, bound))) room.Take(*slots);
      ++coming;
    }
  }
  const std::int64_t seats = std::ssize(host.seats) + coming;
  if (host.entry.parallel && seats >= *host.entry.parallel) return false;
  return room.Fit(RequestOfTrial(sweep, number)).has_value();
}

// The host that it is brought to already, as long as that one takes trials and no other has room.
const std::string* Core::State::WhereTo(const SweepRun& sweep, std::int64_t number,
                                        const Checkpoint& checkpoint,
                                        const std::optional<std::string>& reserved) const {
  const auto bound = sweep.bound_for.find(number);
  const std::string* now = bound == sweep.bound_for.end() ? nullptr : &bound->second;
  if (now != nullptr && !TakesTrials(sweep, *now)) now = nullptr;
  if (now != nullptr && reserved != *now && HasRoomFor(sweep, number, *now)) return now;
  for (const std::string& name : sweep.spec.hosts) {
    if (name == checkpoint.host || reserved == name || !TakesTrials(sweep, name)) continue;
    if (HasRoomFor(sweep, number, name)) return &name;
  }
  return now;
}

void Core::State::Bring(SweepRun& sweep, std::int64_t number, const Checkpoint& checkpoint,
                        const std::optional<std::string>& reserved, Turn& turn) {
  const std::string* to = WhereTo(sweep, number, checkpoint, reserved);
  const auto bound = sweep.bound_for.find(number);
  const bool is_bound = to != nullptr && bound != sweep.bound_for.end() && bound->second == *to;
  if (!is_bound) Unbind(sweep, number, turn);
  if (to != nullptr && !is_bound) {
    sweep.bound_for[number] = *to;
    OfferCopy(sweep, number, checkpoint.code, turn);
  }
  // Of a host that does not answer it has to be known whether there is a copy: see IsLost.
  const auto home = hosts.find(checkpoint.host);
  const bool is_away = home == hosts.end() || !home->second.is_up;
  if (checkpoint.code.empty() && (to != nullptr || is_away)) FetchCopy(sweep, checkpoint, turn);
}

void Core::State::FetchCopy(SweepRun& sweep, const Checkpoint& checkpoint, Turn& turn) const {
  const TrialRecord trial = sweep.trials.Of(checkpoint.of);
  const auto home = hosts.find(checkpoint.host);
  const bool is_there = home != hosts.end() && home->second.is_up;
  const CheckpointCopy* known = CopyOf(sweep, checkpoint.of);
  if (known != nullptr) {
    const bool is_back = is_there && !known->was_there;
    const bool is_due = is_back || (is_there && turn.now.monotonic >= known->again);
    if (known->is_asked || !is_due) return;
  }
  const std::string told = known == nullptr ? std::string() : known->problem;
  sweep.copies[checkpoint.of] = {.attempt = trial.attempts,
                                 .is_asked = true,
                                 .was_there = is_there,
                                 .code = {},
                                 .problem = told};
  turn.actions.emplace_back(
      FetchCheckpoint{.sweep = sweep.id,
                      .number = checkpoint.of,
                      .attempt = trial.attempts,
                      .trial = trial.id,
                      .host = checkpoint.host,
                      .folder = is_there ? home->second.facts.folder : std::string(),
                      .is_there = is_there});
}

void Core::State::On(const CheckpointFetched& fetched, Turn& turn) {
  const auto found = sweeps.find(fetched.sweep);
  if (found == sweeps.end()) return;
  SweepRun& sweep = found->second;
  const auto copy = sweep.copies.find(fetched.number);
  const bool is_asked = copy != sweep.copies.end() && copy->second.is_asked &&
                        copy->second.attempt == fetched.attempt;
  if (!is_asked) return;
  // That a host does not answer is said elsewhere.
  const bool is_news =
      copy->second.was_there && !fetched.problem.empty() && fetched.problem != copy->second.problem;
  copy->second = {.attempt = fetched.attempt,
                  .is_asked = false,
                  .was_there = copy->second.was_there,
                  .code = fetched.code,
                  .is_none = fetched.is_missing,
                  .problem = fetched.problem,
                  .again = turn.now.monotonic + kFetchAgainAfter};
  needs_placement = true;
  if (is_news) {
    turn.actions.emplace_back(
        Say{sweep.id, fmt::format("the checkpoint of trial {} does not come: {}", fetched.number,
                                  fetched.problem)});
  }
  for (const auto& [number, to] : sweep.bound_for) {
    if (ParentOf(sweep, number).value_or(number) != fetched.number) continue;
    OfferCopy(sweep, number, fetched.code, turn);
  }
}

void Core::State::OfferCopy(const SweepRun& sweep, std::int64_t number, const std::string& code,
                            Turn& turn) const {
  const HostState& host = hosts.at(sweep.bound_for.at(number));
  if (!code.empty()) turn.actions.emplace_back(OfferCheckpoint{host.link, code});
}

// Trials that go on from the same one share its copy.
void Core::State::Unbind(SweepRun& sweep, std::int64_t number, Turn& turn) const {
  if (sweep.bound_for.erase(number) == 0) return;
  const auto code_for = [](const SweepRun& of, std::int64_t bound) {
    const CheckpointCopy* copy = CopyOf(of, ParentOf(of, bound).value_or(bound));
    return copy == nullptr ? std::string() : copy->code;
  };
  const std::string code = code_for(sweep, number);
  if (code.empty()) return;
  for (const auto& [id, other] : sweeps) {
    for (const auto& [bound, to] : other.bound_for) {
      if (code_for(other, bound) == code) return;
    }
  }
  turn.actions.emplace_back(DropCheckpoint{code});
}

void Core::State::UnbindAll(SweepRun& sweep, Turn& turn) const {
  while (!sweep.bound_for.empty()) {
    Unbind(sweep, sweep.bound_for.begin()->first, turn);
  }
  sweep.copies.clear();
}

// It may be for want of what was brought there, which `ddl gc` can have taken away, here too: it is
// looked for and brought once more.
void Core::State::NoteLaunchRefused(SweepRun& sweep, const LiveJob& job, const ExitRecord& record) {
  const auto checkpoint = CheckpointFor(sweep, job.number);
  const bool was_brought = checkpoint && checkpoint->host != job.host;
  if (record.cause != EndCause::kLaunchRefused || !was_brought) return;
  hosts.at(job.host).code_folders.erase(checkpoint->code);
  sweep.copies.erase(checkpoint->of);
}

// Goes on after "for room on HOST, where its checkpoint lies".
std::string Core::State::HowFarBrought(const SweepRun& sweep, std::int64_t number,
                                       const Checkpoint& checkpoint) const {
  const CheckpointCopy* copy = CopyOf(sweep, checkpoint.of);
  const auto bound = sweep.bound_for.find(number);
  if (copy != nullptr && !copy->problem.empty()) {
    return fmt::format(", which does not come from there: {}", copy->problem);
  }
  if (bound == sweep.bound_for.end()) return {};
  const std::string& title = TitleOf(bound->second);
  if (checkpoint.code.empty()) return fmt::format(", or for that to be fetched for {}", title);
  const HostState& host = hosts.at(bound->second);
  if (host.code_folders.contains(checkpoint.code)) return fmt::format(", or on {}", title);
  const auto how_far = host.code_awaited.find(checkpoint.code);
  return fmt::format(", or for {}, to which that is sent{}", title,
                     how_far == host.code_awaited.end() ? "" : ":" + how_far->second);
}

// Of the first trial that waits for one.
void Core::State::AddCheckpoint(const SweepRun& sweep, TrialFacts& facts) const {
  std::vector<std::int64_t> numbers;
  for (const auto& [number, host] : sweep.checkpoint_at) {
    numbers.push_back(number);
  }
  for (const auto& [configuration, parent] : sweep.parents) {
    numbers.push_back(configuration + 1);  // a sweep with parents has one seed
  }
  for (const std::int64_t number : numbers) {
    if (sweep.trials.Of(number).state != TrialState::kWaiting) continue;
    const auto checkpoint = CheckpointFor(sweep, number);
    if (!checkpoint) continue;
    facts.holder = TitleOf(checkpoint->host);
    facts.have = HowFarBrought(sweep, number, *checkpoint);
    return;
  }
}

}  // namespace ddl
