// SPDX-License-Identifier: Apache-2.0
// What supervisors and the kernel tell an agent of its ranks.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "runner/agent.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "runner/process.h"
#include "runner/rank_record.h"
#include "runner/records.h"
#include "runner/trial_start.h"

namespace ddl {

namespace {

// A start is told after so long, or with the rank's end: of a rank that lives for a millisecond the
// coordinator hears once and commits once.
constexpr std::chrono::milliseconds kStartedWithin{10};

std::optional<RankId> ParseJobName(const std::string& name) {
  RankId id;
  const char* end = name.data() + name.size();
  const auto [dot, problem] = std::from_chars(name.data(), end, id.job.value);
  if (problem != std::errc() || dot == end || *dot != '.') return std::nullopt;
  const auto [rest, problem_too] = std::from_chars(dot + 1, end, id.rank);
  if (problem_too != std::errc() || rest != end) return std::nullopt;
  return id;
}

// A supervisor that has written its exit record has nothing left to do but to end.
void AwaitDeath(const ProcessIdentity& supervisor) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  while (IsAlive(supervisor) && std::chrono::steady_clock::now() < until) {
    ::sched_yield();
  }
}

}  // namespace

void Agent::Heard(const BellLine& line) {
  if (line.news == News::kNotice) return AppendFrame(FromHost(Notice{line.text}), out_);
  const auto found = ranks_.find(line.id);
  if (found == ranks_.end() && line.news == News::kStarted) return TellStranger(line.id);
  if (found == ranks_.end() || found->second.ended) return;
  Rank& rank = found->second;
  switch (line.news) {
    case News::kStarted:
      fresh_.emplace_back(std::chrono::steady_clock::now() + kStartedWithin, line.id);
      return;
    case News::kMetrics:
      rank.has_news = true;
      return;
    case News::kExited:
      return OnExited(line.id, rank);
    case News::kBusy:
      return OnBusy(line.id, rank);
    case News::kRefused:
      return OnRefused(line.id, rank, line.text);
    case News::kNotice:
      return;
  }
}

// Its supervisor was on its way when an earlier agent died. The coordinator may have given it up
// meanwhile, and then has it killed.
void Agent::TellStranger(RankId id) {
  const std::optional<StartRecord> start = ReadRankRecord(paths_.Job(id)).start;
  if (start) AppendFrame(FromHost(Started{*start}), out_);
}

void Agent::TellStarted() {
  const auto now = std::chrono::steady_clock::now();
  while (!fresh_.empty() && fresh_.front().first <= now) {
    const auto rank = ranks_.find(fresh_.front().second);
    if (rank != ranks_.end() && !rank->second.ended) OnStarted(rank->first, rank->second);
    fresh_.pop_front();
  }
}

void Agent::OnStarted(RankId id, Rank& rank) {
  if (!rank.start) TellStart(rank, ReadRankRecord(paths_.Job(id)).start);
}

void Agent::TellStart(Rank& rank, std::optional<StartRecord> start) {
  if (rank.start || !start) return;
  rank.start = std::move(start);
  AppendFrame(FromHost(Started{*rank.start}), out_);
}

void Agent::OnExited(RankId id, Rank& rank) {
  RankRecord record = ReadRankRecord(paths_.Job(id));
  if (!record.exit) return;  // the death of the supervisor will tell
  TellStart(rank, std::move(record.start));
  while (rank.spool.LastSeq() < record.exit->last_seq && PumpMetrics(id, rank)) {
  }
  rank.ended = true;
  // Its slots are free when the supervisor is gone; one that is no child of ours is waited for.
  if (rank.child == 0 && rank.start) AwaitDeath(rank.start->supervisor);
  AppendFrame(FromHost(Exited{*std::move(record.exit)}), out_);
}

void Agent::OnBusy(RankId id, Rank& rank) {
  const std::string path = paths_.Job(id) + ".busy";
  const std::optional<std::string> text = ReadFile(path);
  std::optional<SlotBusy> busy = text ? SlotBusyFromJson(*text) : std::nullopt;
  if (!busy) return;
  ::unlink(path.c_str());
  rank.ended = true;
  AppendFrame(FromHost(*std::move(busy)), out_);
}

// The text is "TOKEN REASON".
void Agent::OnRefused(RankId id, Rank& rank, const std::string& text) {
  const std::size_t blank = text.find(' ');
  if (text.substr(0, blank) != rank.token) return;
  End(id, rank, EndCause::kLaunchRefused,
      blank == std::string::npos ? std::string() : text.substr(blank + 1));
}

void Agent::OnSupervisorGone(RankId id, Rank& rank) {
  rank.child = 0;
  if (rank.ended) return;
  const std::string folder = paths_.Job(id);
  OnExited(id, rank);  // it may have written its record and died before it could ring
  OnBusy(id, rank);
  if (rank.ended) return;
  OnStarted(id, rank);
  KillByToken(rank.token);
  RemovePipes(paths_, id);
  while (PumpMetrics(id, rank)) {
  }
  const bool rebooted = rank.start && rank.start->supervisor.boot_id != boot_id_;
  const bool claimed = ::access(folder.c_str(), F_OK) == 0;
  if (!claimed && (rank.start || was_removed_)) {
    return End(id, rank, EndCause::kSupervisorLost, folder + " was removed while it ran");
  }
  if (rebooted) return End(id, rank, EndCause::kHostRebooted, "the host was rebooted");
  End(id, rank, claimed ? EndCause::kSupervisorLost : EndCause::kLaunchRefused,
      claimed ? "its supervisor was killed" : "its supervisor could not be started");
}

void Agent::End(RankId id, Rank& rank, EndCause cause, const std::string& detail) {
  ExitRecord record;
  record.id = id;
  record.token = rank.token;
  record.cause = cause;
  record.detail = detail;
  record.last_seq = rank.spool.LastSeq();
  rank.ended = true;
  AppendFrame(FromHost(Exited{std::move(record)}), out_);
}

void Agent::PumpMetrics() {
  for (auto& [id, rank] : ranks_) {
    while (rank.has_news && out_.size() < kMaxWaiting) {
      rank.has_news = PumpMetrics(id, rank);
    }
  }
}

bool Agent::PumpMetrics(RankId id, Rank& rank) {
  std::vector<MetricReport> reports = rank.spool.Read();
  if (reports.empty()) return false;
  AppendFrame(FromHost(Metrics{id, std::move(reports)}), out_);
  return true;
}

// In an idle moment: ranks whose supervisor is no child of ours, and folders to tidy.
void Agent::CheckAdopted() {
  MendHostFolder();
  if (was_removed_) EndHomeless();
  for (auto& [id, rank] : ranks_) {
    if (rank.child != 0 || rank.ended) continue;
    OnStarted(id, rank);
    if (!rank.start || !IsAlive(rank.start->supervisor)) OnSupervisorGone(id, rank);
  }
  std::erase_if(ranks_,
                [](const auto& entry) { return entry.second.ended && entry.second.child == 0; });
  StartQueued();
  Tidy();
}

void Agent::Tidy() {
  for (const RankId id : to_tidy_) {
    SettleRankRecord(paths_.Job(id));
  }
  to_tidy_.clear();
}

// Somebody removed the folder: a rank that runs has lost its record, spool, log and outputs, and
// can be told nothing. What is left of it ends, so that it can begin again; the folder is made
// anew.
void Agent::MendHostFolder() {
  if (!welcomed_ || ::access(paths_.Bell().c_str(), F_OK) == 0) return;
  if (!ClaimHostFolder(paths_, ReadHostFacts().machine_id).empty()) return;  // launches say why
  (void)RaiseEpoch(paths_, {epoch_, holder_});
  epoch_mark_ = EpochMark(paths_);
  paths_.pipes_folder = ClaimPipesFolder(paths_);
  FileDescriptor bell = OpenFile(paths_.Bell(), O_RDWR | O_NONBLOCK);
  if (bell) bell_ = std::move(bell);
  was_removed_ = true;
  AppendFrame(FromHost(Notice{paths_.Store() +
                              " was removed and is made anew; trials that ran begin again; keep "
                              "cleaners away from it, or set DDL_HOST_DIR"}),
              out_);
}

// Again and again: a supervisor may have been about to start its trial.
void Agent::EndHomeless() {
  for (const auto& [id, rank] : ranks_) {
    if (!rank.ended && ::access(paths_.Job(id).c_str(), F_OK) != 0) KillByToken(rank.token);
  }
}

std::vector<FoundRank> Agent::Scan() const {
  std::vector<FoundRank> found;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.Jobs(), problem)) {
    const std::optional<RankId> id = ParseJobName(entry.path().filename());
    if (!id) continue;
    if (IsSettled(entry.path())) continue;
    found.push_back(Look(*id));
    if (found.back().state != FoundState::kAlive && ReadRankRecord(entry.path()).start) {
      RemovePipes(paths_, *id);
    }
  }
  std::ranges::sort(found, {}, &FoundRank::id);
  return found;
}

FoundRank Agent::Look(RankId id) const {
  const std::string folder = paths_.Job(id);
  const std::optional<StartRecord> start = ReadRankRecord(folder).start;
  const bool alive = start && IsAlive(start->supervisor);
  // The exit last: a supervisor writes it before it goes.
  const std::optional<ExitRecord> exit = ReadRankRecord(folder).exit;
  if (exit) return {id, exit->token, FoundState::kExited};
  return {id, start ? start->token : std::string(), alive ? FoundState::kAlive : FoundState::kLost};
}

}  // namespace ddl
