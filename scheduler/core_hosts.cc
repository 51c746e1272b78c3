// SPDX-License-Identifier: Apache-2.0
// Hosts come and go. A host that is away is no event of a trial; when it is back, what it tells of
// its ranks decides about each attempt once.
#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "runner/gpus.h"
#include "scheduler/core_state.h"

namespace ddl {

namespace {

bool AreGpusUnknown(const HostFacts& facts) {
  return facts.gpu_note.starts_with(kNvidiaSmiIsLate);
}

}  // namespace

HostState* Core::State::HostOfLink(int link) {
  for (auto& [name, host] : hosts) {
    if (host.link == link) return &host;
  }
  return nullptr;
}

void Core::State::On(const HostUp& up, Turn& turn) {
  HostState& host = hosts[up.name];
  const bool is_first_time = !host.is_known;
  if (!is_first_time) TellViewers(up.name, "answers again", turn);
  host.link = up.host;
  turn.Unsend(host);
  host.is_up = true;
  host.is_known = true;
  host.away = std::chrono::nanoseconds(0);
  host.code_folders.clear();  // somebody may have removed them
  host.code_awaited.clear();
  SetFacts(host, up.facts);
  host.strangers.clear();
  for (const FoundRank& found : up.found) {
    host.strangers[found.id] = found;
  }
  for (auto& [id, job] : jobs) {
    job.is_unmet |= job.host == up.name || PlantedBug(Bug::kHostsMixedUp);
  }
  JudgeStrangers(turn);
  // Later a device that is missing may come back: its trials wait, and say so.
  for (auto& [id, sweep] : sweeps) {
    if (is_first_time) CheckFeasible(sweep, turn);
  }
  needs_placement = true;
}

// Folders of jobs on a host are claimed once. No job of an earlier epoch has these numbers.
void Core::State::On(const EpochPassed& passed, Turn& turn) {
  assert(passed.epoch > options.epoch && passed.epoch < kMostEpochs);
  options.epoch = passed.epoch;
  given.jobs = std::max(given.jobs, FirstJobOf(passed.epoch));
  turn.Commit(EpochRaised{passed.epoch});
}

void Core::State::On(const HostChanged& changed, Turn& turn) {
  const HostFacts& facts = changed.facts;
  for (auto& [name, host] : hosts) {
    if (host.link != changed.host) continue;
    const bool came_or_went = facts.cores.size() != host.facts.cores.size() ||
                              facts.gpus.size() != host.facts.gpus.size();
    const bool is_first_answer = AreGpusUnknown(host.facts) && !AreGpusUnknown(facts);
    SetFacts(host, facts);
    needs_placement = true;
    for (auto& [id, sweep] : sweeps) {
      if (is_first_answer) CheckFeasible(sweep, turn);
    }
    if (!came_or_went) continue;
    TellViewers(name,
                fmt::format("has {} cores and {} GPUs now", facts.cores.size(), facts.gpus.size()),
                turn);
  }
}

void Core::State::On(const HostDown& down, Turn& turn) {
  for (auto& [name, host] : hosts) {
    if (host.link != down.host || !host.is_up) continue;
    host.is_up = false;
    host.away = ticked_at.value_or(turn.now.monotonic) - turn.now.monotonic;
    host.down_because = down.reason;
    for (auto& [id, job] : jobs) {
      if (job.host == name && !job.unseen_since) job.unseen_since = turn.now.monotonic;
    }
    turn.Unsend(host);
    if (PlantedBug(Bug::kHostDownIsDeath)) {
      std::vector<JobId> gone;
      for (const auto& [id, job] : jobs) {
        if (job.host == name) gone.push_back(id);
      }
      for (const JobId id : gone) {
        MissJob(jobs.at(id), turn);
      }
    }
    TellViewers(name, fmt::format("does not answer ({}); what runs there goes on", down.reason),
                turn);
  }
}

void Core::State::On(const HostSilent& silent, Turn& turn) {
  for (const auto& [name, host] : hosts) {
    if (host.link == silent.host) TellViewers(name, "is silent; what runs there goes on", turn);
  }
}

// A line for everybody who watches a sweep that uses the host.
void Core::State::TellViewers(const std::string& name, const std::string& what, Turn& turn) const {
  for (const auto& [id, sweep] : sweeps) {
    if (sweep.HasEnded() || std::ranges::count(sweep.spec.hosts, name) == 0) continue;
    turn.actions.emplace_back(Say{id, fmt::format("host {} {}", TitleOf(name), what)});
  }
}

bool Core::State::IsWhole() const {
  return std::ranges::all_of(options.unfinished_sweeps, [this](const std::string& name) {
    return std::ranges::any_of(
        sweeps, [&name](const auto& entry) { return entry.second.spec.name == name; });
  });
}

// Settles what each host that is up told of its ranks, as far as the open sweeps allow: attempts
// found are adopted, attempts not found have ended, ranks that belong to nobody go.
void Core::State::JudgeStrangers(Turn& turn) {
  std::vector<JobId> unmet;
  for (const auto& [id, job] : jobs) {
    if (job.is_unmet && hosts.at(job.host).is_up) unmet.push_back(id);
  }
  for (const JobId id : unmet) {
    LiveJob& job = jobs.at(id);
    HostState& host = hosts.at(job.host);
    job.is_unmet = false;
    const auto found = host.strangers.find({id, 0});
    if (found == host.strangers.end() || found->second.token != job.token) {
      MissJob(job, turn);
      continue;
    }
    if (found->second.state == FoundState::kAlive) job.unseen_since.reset();
    host.strangers.erase(found);
    AdoptJob(host, job, turn);
  }
  if (!IsWhole()) return;
  for (auto& [name, host] : hosts) {
    if (!host.is_up) continue;
    for (const auto& [id, found] : std::exchange(host.strangers, {})) {
      Dismiss(host, found, turn);
    }
  }
}

Adopt Core::State::AdoptionOf(const LiveJob& job) const {
  Adopt adopt{{job.id, 0}, job.token, job.committed_seq, {}};
  if (job.seat != 0) adopt.slots = hosts.at(job.host).seats.at(job.seat).slots;
  return adopt;
}

void Core::State::AdoptJob(HostState& host, const LiveJob& job, Turn& turn) const {
  turn.Send(host, AdoptionOf(job));
  // The order may have gone with an earlier link.
  if (job.stop >= StopCause::kUserPause) turn.Send(host, Order{{job.id, 0}, OrderKind::kStop, {}});
}

// The host is there, the rank is not. One that never started was lost with its link: the launch
// cannot be in flight any more, and should its process come up after all, it is killed for its void
// token.
void Core::State::MissJob(LiveJob& job, Turn& turn) {
  if (job.exit) return Finish(job, ExitRecord(*job.exit), turn);
  ExitRecord record;
  record.id = {job.id, 0};
  record.token = job.token;
  record.ended_unix_ms = turn.now.unix_ms;
  record.last_seq = job.committed_seq;
  if (job.is_started) {
    record.cause = EndCause::kSupervisorLost;
    record.detail = fmt::format("no trace of it was left on {}", job.host);
    return Finish(job, record, turn);
  }
  record.cause = EndCause::kLaunchRefused;
  record.detail = fmt::format("the launch never reached {}", job.host);
  NeverBegan(job, record, "", turn);
}

// A rank whose attempt has ended or was never ours. One that looks lost may have a supervisor that
// has claimed its folder and is about to start: the order waits for it there.
void Core::State::Dismiss(HostState& host, const FoundRank& found, Turn& turn) {
  if (found.state != FoundState::kExited && !PlantedBug(Bug::kKeepSuperseded)) {
    turn.Send(host, Order{found.id, OrderKind::kKill, {}});
  }
  turn.Send(host, Settled{found.id});
  host.unsaved.emplace(found.id, 0);
}

// A sweep that no host of its can ever take is refused at once, rather than left waiting. Drained
// devices may come back, and so may GPUs whose driver gives no answer.
void Core::State::CheckFeasible(SweepRun& sweep, Turn& turn) {
  if (sweep.HasEnded() || sweep.IsEnding()) return;
  std::string reasons;
  for (const std::string& name : sweep.spec.hosts) {
    const auto host = hosts.find(name);
    if (host == hosts.end() || !host->second.is_known) return;
    const std::string reason = NeverTakes(host->second, sweep.request);
    if (reason.empty()) return;
    if (AreGpusUnknown(host->second.facts)) {
      turn.actions.emplace_back(
          Say{sweep.id, fmt::format("host {}: {}; it is asked again", TitleOf(name),
                                    host->second.facts.gpu_note)});
      return;
    }
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : "; ", TitleOf(name), reason);
  }
  BeginEnding(sweep, SweepOutcome::kSomeFailed,
              fmt::format("no host can ever take a trial of {}: {}; ask for less under `resources`",
                          DescribeRequest(sweep.request), reasons),
              turn);
}

}  // namespace ddl
