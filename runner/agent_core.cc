// SPDX-License-Identifier: Apache-2.0
#include "runner/agent_core.h"

#include <algorithm>
#include <utility>

#include "configs/planted_bugs.h"

namespace ddl {

namespace {

using std::chrono::milliseconds;

// Adopted supervisors are no children of ours: their death is looked for this often.
constexpr milliseconds kLookEvery{200};
constexpr milliseconds kTidyAfter{20};  // without a word: idle enough to tidy
constexpr milliseconds kFreshEvery{5};  // half of what a start may wait to be told
// A host that is never idle is looked at all the same.
constexpr std::chrono::seconds kLookAtLeastEvery{1};
// For GPUs that came or went; sooner while trials may wait for one that somebody else uses.
constexpr std::chrono::seconds kDevicesEvery{30};
constexpr std::chrono::seconds kBusyDevicesEvery{5};
// An agent that was fenced may have read what was rung for us: it goes within its next look.
constexpr std::chrono::seconds kEarlierAgentGone{3};

// How much of its memory a GPU uses is no difference.
bool AreSameDevices(const HostFacts& a, const HostFacts& b) {
  const auto is_same = [](const GpuFacts& gpu, const GpuFacts& other) {
    return gpu.uuid == other.uuid && gpu.index == other.index &&
           gpu.memory_mib == other.memory_mib && gpu.used_by_others == other.used_by_others;
  };
  return a.cores == b.cores && a.memory_mib == b.memory_mib &&
         std::ranges::equal(a.gpus, b.gpus, is_same);
}

}  // namespace

milliseconds AgentCore::TurnWithin() const {
  if (!fresh_.empty()) return kFreshEvery;
  const bool has_work = !to_tidy_.empty() || !undelivered_.empty() || owes_reports_;
  return has_work ? kTidyAfter : kLookEvery;
}

void AgentCore::Work(bool is_idle) {
  if (!fresh_.empty()) TellStarted();
  if (!undelivered_.empty()) DeliverOrders();
  const bool is_due = host_.Now() - looked_at_ >= kLookAtLeastEvery;
  if ((is_idle && fresh_.empty()) || is_due) CheckAdopted();
  if (host_.BytesToSend() < kMaxWaiting) PumpMetrics();
}

// A coordinator that slept while a later one began has nothing to say here any more.
bool AgentCore::MayBeHeard() {
  if (!welcomed_) return true;
  fence_seen_at_ = host_.Now();
  const std::uint64_t mark = host_.EpochMark();
  if (mark == epoch_mark_ || PlantedBug(Bug::kAcceptAnyEpoch)) return true;
  const EpochRecord seen = host_.Epoch();
  if (seen.is_unreadable) {
    Refuse("cannot read who has this store's trials in " + host_.Folder(), kCheckDisk);
    return false;
  }
  if (seen.epoch > epoch_) {
    Refuse("a later coordinator has this store's trials");
    return false;
  }
  if (mark == 0 || seen.epoch < epoch_) return true;  // removed, and not made anew yet
  // Our coordinator has another agent here: it has given this link up, and what was on its way on
  // it.
  is_over_ = true;
  exit_code_ = 1;
  return false;
}

// Before acts of our own: an order that waits and what is looked at outlive the last word we heard.
bool AgentCore::EndsAsFenced() {
  return is_over_ || !MayBeHeard();
}

void AgentCore::Refuse(const std::string& reason, const std::string& hint) {
  const bool tells_epoch = !welcomed_ && hint.empty();
  host_.Send(Refused{reason, tells_epoch ? host_.Epoch().epoch : 0, hint});
  is_over_ = true;
  exit_code_ = 1;
}

// The trials go on.
void AgentCore::LinkEnded() {
  is_over_ = true;
  for (const auto& [id, rank] : ranks_) {
    if (PlantedBug(Bug::kDieWithLink)) host_.KillByToken(rank.token);
  }
}

int AgentCore::Leave() {
  // What was settled last would else wait for the next agent, and `ddl gc` with it.
  if (exit_code_ == 0 && MayBeHeard()) Tidy();
  return exit_code_;
}

void AgentCore::DeliverOrders() {
  if (EndsAsFenced()) return;
  for (OpenOrder& open : std::exchange(undelivered_, {})) {
    Deliver(std::move(open));
  }
}

// In an idle moment: ranks whose supervisor is no child of ours, and folders to tidy.
void AgentCore::CheckAdopted() {
  looked_at_ = host_.Now();
  if (EndsAsFenced()) return;
  MendHostFolder();
  if (was_removed_) EndHomeless();
  const bool may_have_missed = looked_at_ - welcomed_at_ < kEarlierAgentGone;
  for (auto& [id, rank] : ranks_) {
    if (rank.ended) continue;
    if (may_have_missed) rank.has_news = true;
    if (rank.child != 0) {
      TellMissedStart(id, rank);
      continue;
    }
    OnStarted(id, rank);
    if (!rank.start || IsGone(rank.start->supervisor)) OnSupervisorGone(id, rank);
  }
  std::erase_if(strangers_, [this](RankId id) { return TellStranger(id); });
  Forget();
  StartQueued();
  Tidy();
  LookAtDevices();
}

void AgentCore::LookAtDevices() {
  if (!welcomed_) return;
  const bool is_used = std::ranges::any_of(facts_.gpus, &GpuFacts::used_by_others);
  if (looked_at_ - asked_at_ < (is_used ? kBusyDevicesEvery : kDevicesEvery)) return;
  asked_at_ = looked_at_;
  host_.LookAgain();
}

// A moment in which nvidia-smi cannot answer is no news of its GPUs.
void AgentCore::Looked(HostFacts facts) {
  if (!welcomed_ || is_over_) return;
  if (facts.gpus.empty() && !facts.gpu_note.empty()) {
    facts.gpus = facts_.gpus;
    facts.gpu_note = facts_.gpu_note;
  }
  facts.folder = facts_.folder;
  facts.epoch_seen = facts_.epoch_seen;
  if (AreSameDevices(facts, facts_)) return;
  facts_ = std::move(facts);
  host_.Send(FactsChanged{facts_});
}

void AgentCore::Tidy() {
  to_tidy_.merge(std::exchange(dismissed_, {}));
  for (const RankId id : to_tidy_) {
    if (!Settle(id)) dismissed_.insert(id);
  }
  to_tidy_.clear();
}

// False: to be looked at again. Its supervisor lives, is about to end it and will say so, or is
// killed first; or nothing of this can be read now.
bool AgentCore::Settle(RankId id) {
  if (host_.Settle(id)) return true;
  const RankRecord record = host_.Record(id);
  if (record.exit) return host_.Settle(id);
  if (!record.start) return !record.is_unreadable;
  if (!IsGone(record.start->supervisor)) return false;
  host_.KillByToken(record.start->token);
  host_.SettleLost(id);
  return true;
}

// Somebody removed the folder: a rank that runs has lost its record, spool, log and outputs, and
// can be told nothing. What is left of it ends, so that it can begin again; the folder is made
// anew.
void AgentCore::MendHostFolder() {
  if (!welcomed_ || host_.HasBell()) return;
  if (!host_.ClaimFolder(store_id_).empty()) return;  // launches say why
  // Whatever epoch is there by now was written by a later agent.
  if (host_.RaiseEpoch({}, {epoch_, holder_})) epoch_mark_ = host_.EpochMark();
  (void)host_.OpenBell();
  was_removed_ = true;
  host_.Send(Notice{host_.Folder() +
                    " was removed and is made anew; trials that ran begin again; keep cleaners "
                    "away from it, or set DDL_HOST_DIR"});
}

// Again and again: a supervisor may have been about to start its trial.
void AgentCore::EndHomeless() {
  for (const auto& [id, rank] : ranks_) {
    if (!rank.ended && !host_.HasJob(id)) host_.KillByToken(rank.token);
  }
}

std::optional<std::vector<FoundRank>> AgentCore::Scan() {
  const std::optional<std::vector<RankId>> jobs = host_.Jobs();
  if (!jobs) return std::nullopt;
  std::vector<FoundRank> found;
  for (const RankId id : *jobs) {
    if (host_.IsSettled(id)) continue;
    std::optional<FoundRank> rank = Look(id);
    if (!rank) return std::nullopt;
    if (rank->state != FoundState::kAlive && !rank->token.empty()) host_.RemovePipes(id);
    found.push_back(*std::move(rank));
  }
  std::ranges::sort(found, {}, &FoundRank::id);
  return found;
}

std::optional<FoundRank> AgentCore::Look(RankId id) const {
  const RankRecord before = host_.Record(id);
  const bool is_alive = before.start && !IsGone(before.start->supervisor);
  // The exit last: a supervisor writes it before it goes.
  const RankRecord record = host_.Record(id);
  if (before.is_unreadable || record.is_unreadable) return std::nullopt;
  if (record.exit) return FoundRank{id, record.exit->token, FoundState::kExited};
  return FoundRank{id, before.start ? before.start->token : std::string(),
                   is_alive ? FoundState::kAlive : FoundState::kLost};
}

bool AgentCore::IsGone(const ProcessIdentity& process) const {
  return ddl::IsGone(process, host_.LookAt(process.pid), host_.BootId());
}

}  // namespace ddl
