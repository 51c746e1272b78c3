// SPDX-License-Identifier: Apache-2.0
// What supervisors and the kernel tell an agent of its ranks.
#include <chrono>
#include <csignal>
#include <utility>

#include "configs/planted_bugs.h"
#include "runner/agent_core.h"

namespace ddl {

namespace {

// A start is told after so long, or with the rank's end: of a rank that lives for a millisecond the
// coordinator hears once and commits once.
constexpr std::chrono::milliseconds kStartedWithin{10};
// A record that cannot be read for so long is none.
constexpr std::chrono::seconds kUnreadableFor{30};

}  // namespace

void AgentCore::Rang(const BellLine& line) {
  if (line.news == News::kNotice) return host_.Send(Notice{line.text});
  const auto found = ranks_.find(line.id);
  if (found == ranks_.end() && line.news == News::kStarted) {
    if (!TellStranger(line.id)) strangers_.insert(line.id);
    return;
  }
  if (found == ranks_.end() || found->second.ended) return;
  Rank& rank = found->second;
  switch (line.news) {
    case News::kStarted:
      fresh_.emplace_back(host_.Now() + kStartedWithin, line.id);
      return;
    case News::kMetrics:
      rank.has_news = true;
      return;
    case News::kExited:
      return OnExited(line.id, rank, host_.Record(line.id));
    case News::kBusy:
      return OnBusy(line.id, rank);
    case News::kRefused:
      return OnRefused(line.id, rank, line.text);
    case News::kNotice:
      return;
  }
}

// Its supervisor was on its way when an earlier agent died. The coordinator may have given it up
// meanwhile, and then has it killed. False when its record cannot be read now.
bool AgentCore::TellStranger(RankId id) {
  const RankRecord record = host_.Record(id);
  if (record.start) host_.Send(TellOf(*record.start));
  return !record.is_unreadable;
}

// A supervisor starts its trial at once.
Started AgentCore::TellOf(const StartRecord& start) const {
  return {start, host_.AgeOf(start.supervisor).count()};
}

void AgentCore::TellStarted() {
  const auto now = host_.Now();
  while (!fresh_.empty() && fresh_.front().first <= now) {
    const auto rank = ranks_.find(fresh_.front().second);
    if (rank != ranks_.end() && !rank->second.ended) OnStarted(rank->first, rank->second);
    fresh_.pop_front();
  }
}

void AgentCore::OnStarted(RankId id, Rank& rank) {
  if (!rank.start) TellStart(rank, host_.Record(id).start);
}

// Its bell was read by an agent that has gone since.
void AgentCore::TellMissedStart(RankId id, Rank& rank) {
  if (rank.start) return;
  std::optional<StartRecord> start = host_.Record(id).start;
  if (start && start->pid != 0) TellStart(rank, std::move(start));
}

void AgentCore::TellStart(Rank& rank, std::optional<StartRecord> start) {
  if (rank.start || !start) return;
  rank.start = std::move(start);
  host_.Send(TellOf(*rank.start));
}

void AgentCore::OnExited(RankId id, Rank& rank, RankRecord record) {
  if (!record.exit) return;  // the death of the supervisor will tell
  TellStart(rank, std::move(record.start));
  while (rank.spool->LastSeq() < record.exit->last_seq && PumpMetrics(id, rank)) {
  }
  rank.ended = true;
  rank.last_seq = record.exit->last_seq;
  // Its slots are free when the supervisor is gone; one that is no child of ours is waited for.
  if (rank.child == 0 && rank.start) host_.AwaitDeath(rank.start->supervisor);
  host_.Send(Exited{*std::move(record.exit)});
}

void AgentCore::OnBusy(RankId id, Rank& rank) {
  std::optional<SlotBusy> busy = host_.TakeBusy(id);
  if (!busy) return;
  rank.ended = true;
  unclaimed_.insert(id);
  host_.Send(*std::move(busy));
}

// The text is "TOKEN REASON".
void AgentCore::OnRefused(RankId id, Rank& rank, const std::string& text) {
  const std::size_t blank = text.find(' ');
  if (text.substr(0, blank) != rank.token) return;
  End(id, rank, EndCause::kLaunchRefused,
      blank == std::string::npos ? std::string() : text.substr(blank + 1));
}

void AgentCore::ChildEnded(pid_t pid) {
  for (auto& [id, rank] : ranks_) {
    if (rank.child != pid) continue;
    OnSupervisorGone(id, rank);
    break;
  }
  Forget();
}

// Also without a start record, when it may only be starting. What cannot be read now is looked at
// again by CheckAdopted.
void AgentCore::OnSupervisorGone(RankId id, Rank& rank) {
  const bool is_certain = std::exchange(rank.child, 0) != 0 || rank.start;
  if (rank.ended) return;
  RankRecord record = host_.Record(id);
  if (MayBeReadLater(rank, record)) return;
  TellStart(rank, record.start);
  // It may have written its record and died before it could ring.
  OnExited(id, rank, std::move(record));
  if (!is_certain && rank.start) return;  // only now there is somebody to look for
  OnBusy(id, rank);
  if (rank.ended) return;
  KillRest(rank);
  host_.RemovePipes(id);
  while (PumpMetrics(id, rank)) {
  }
  const bool rebooted = rank.start && rank.start->supervisor.boot_id != host_.BootId();
  const bool claimed = host_.HasJob(id);
  if (!claimed && (rank.start || was_removed_)) {
    return End(id, rank, EndCause::kSupervisorLost,
               host_.JobFolder(id) + " was removed while it ran");
  }
  if (rebooted) return End(id, rank, EndCause::kHostRebooted, "the host was rebooted");
  End(id, rank, claimed ? EndCause::kSupervisorLost : EndCause::kLaunchRefused,
      claimed ? "its supervisor was killed" : "its supervisor could not be started");
}

bool AgentCore::MayBeReadLater(Rank& rank, const RankRecord& record) const {
  if (!record.is_unreadable) rank.unreadable_since.reset();
  if (!record.is_unreadable) return false;
  if (!rank.unreadable_since) rank.unreadable_since = host_.Now();
  return host_.Now() - *rank.unreadable_since <= kUnreadableFor;
}

// What a dead supervisor left behind. Known by its token: a pid may be somebody else's by now.
void AgentCore::KillRest(const Rank& rank) {
  if (PlantedBug(Bug::kSignalStalePid) && rank.start) {
    const auto now = host_.LookAt(rank.start->pid).stat;
    if (now) (void)host_.Signal({host_.BootId(), now->pid, now->start_ticks}, SIGKILL);
  }
  host_.KillByToken(rank.token);
}

void AgentCore::End(RankId id, Rank& rank, EndCause cause, const std::string& detail) {
  ExitRecord record;
  record.id = id;
  record.token = rank.token;
  record.cause = cause;
  record.detail = detail;
  record.last_seq = rank.spool->LastSeq();
  rank.ended = true;
  if (cause == EndCause::kLaunchRefused) unclaimed_.insert(id);
  host_.Send(Exited{std::move(record)});
}

// A spool that cannot be read to the end that Exited promised is read again in the next turn, until
// the coordinator has had enough.
void AgentCore::PumpMetrics() {
  owes_reports_ = false;
  for (auto& [id, rank] : ranks_) {
    while ((rank.has_news || rank.OwesReports()) && host_.BytesToSend() < kMaxWaiting) {
      rank.has_news = PumpMetrics(id, rank);
      if (!rank.has_news) break;
    }
    owes_reports_ = owes_reports_ || rank.OwesReports();
  }
}

bool AgentCore::PumpMetrics(RankId id, Rank& rank) {
  std::vector<MetricReport> reports = rank.spool->Read();
  if (reports.empty()) return false;
  host_.Send(Metrics{id, std::move(reports)});
  return true;
}

void AgentCore::Forget() {
  std::erase_if(ranks_, [](const auto& entry) {
    const Rank& rank = entry.second;
    return rank.ended && rank.child == 0 && !rank.OwesReports();
  });
}

}  // namespace ddl
