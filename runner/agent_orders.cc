// SPDX-License-Identifier: Apache-2.0
// What the coordinator says to an agent.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "runner/agent_core.h"
#include "runner/orders.h"

namespace ddl {

namespace {

constexpr std::chrono::milliseconds kFenceKnownFor{100};
constexpr const char* kOtherFolder = "name a folder of yours on a local disk by DDL_HOST_DIR";

template <class Share>
bool Overlap(const Share& a, const Share& b) {
  return a.first < b.first + b.length && b.first < a.first + a.length;
}

bool Overlap(const Slots& a, const Slots& b) {
  const auto any = [](const auto& left, const auto& right, auto same) {
    return std::ranges::any_of(left, [&](const auto& one) {
      return std::ranges::any_of(
          right, [&](const auto& other) { return same(one, other) && Overlap(one, other); });
    });
  };
  return any(a.cores, b.cores, [](const auto& x, const auto& y) { return x.core == y.core; }) ||
         any(a.gpus, b.gpus, [](const auto& x, const auto& y) { return x.uuid == y.uuid; });
}

}  // namespace

void AgentCore::Heard(const ToHost& message) {
  if (!welcomed_ && !std::holds_alternative<Hello>(message)) {
    return Refuse("the first word is Hello");
  }
  std::visit([this](const auto& alternative) { On(alternative); }, message);
}

void AgentCore::On(const Hello& hello) {
  store_id_ = hello.store_id;
  HostFacts facts = host_.Facts();
  if (const std::string problem = host_.ClaimFolder(store_id_); !problem.empty()) {
    return Refuse(problem, kOtherFolder);
  }
  facts.folder = host_.Folder();
  if (host_.BootId().empty()) return Refuse("cannot read the boot id of this host", kCheckDisk);
  const EpochRecord seen = host_.Epoch();
  if (seen.is_unreadable) return Refuse("cannot read the epoch in " + host_.Folder(), kCheckDisk);
  facts.epoch_seen = seen.epoch;
  const bool is_copy = !seen.holder.empty() && !hello.holder.empty() &&
                       seen.holder != hello.holder &&
                       host_.HolderMayLive(seen.holder, facts.hostname);
  if (is_copy && !hello.take_over) {
    return Refuse(fmt::format("this store is a copy: its trials here belong to {}", seen.holder),
                  "go on there, or take them over by ddl sweep SPEC --take-over");
  }
  const bool is_stale = hello.epoch < facts.epoch_seen && !PlantedBug(Bug::kAcceptAnyEpoch);
  if (is_stale && !hello.take_over) {
    return Refuse(fmt::format("a later coordinator (epoch {}, ours is {}) has this store's trials",
                              facts.epoch_seen, hello.epoch));
  }
  epoch_ = hello.epoch;
  holder_ = hello.holder;
  // A disk that is full takes nothing, and must not end a coordinator that it knows.
  const EpochRecord ours{epoch_, holder_};
  if (!host_.RaiseEpoch(seen, ours) && seen != ours) {
    // An agent of an earlier or a later coordinator was here in between: judge by what it left.
    if (const EpochRecord now = host_.Epoch(); now != seen && !now.is_unreadable) return On(hello);
    return Refuse("cannot write to " + host_.Folder(), kOtherFolder);
  }
  epoch_mark_ = host_.EpochMark();
  if (!host_.OpenBell()) return Refuse("cannot open the bell in " + host_.Folder(), kOtherFolder);
  std::optional<std::vector<FoundRank>> found = Scan();
  if (!found) return Refuse("cannot read what ran in " + host_.Folder(), kCheckDisk);
  welcomed_ = true;
  welcomed_at_ = fence_seen_at_ = asked_at_ = host_.Now();
  facts_ = std::move(facts);
  host_.Send(Welcome{facts_, *std::move(found)});
}

void AgentCore::On(const Launch& launch) {
  const LaunchRecord& record = launch.record;
  const auto queued = [&](const LaunchRecord& other) { return other.id == record.id; };
  if (!PlantedBug(Bug::kStartTwice)) {
    const bool is_known = ranks_.contains(record.id) || unclaimed_.contains(record.id);
    if (is_known || std::ranges::any_of(queue_, queued)) return;  // sent twice
    if (host_.HasJob(record.id)) {
      return On(Adopt{record.id, record.token, 0, record.slots});  // started by an earlier agent
    }
  }
  // First come, first served: nothing overtakes a launch that waits for the same slot.
  const auto waits = [&](const LaunchRecord& other) { return Overlap(other.slots, record.slots); };
  if (IsHeld(record.slots) || std::ranges::any_of(queue_, waits)) {
    queue_.push_back(record);
  } else {
    Start(record);
  }
}

// A rank that has told its end has given its leases back before.
bool AgentCore::IsHeld(const Slots& slots) const {
  return std::ranges::any_of(ranks_, [&](const auto& entry) {
    return !entry.second.ended && Overlap(entry.second.slots, slots);
  });
}

void AgentCore::Start(LaunchRecord record) {
  const pid_t child = host_.StartSupervisor(record, epoch_mark_);
  Rank rank{.token = record.token,
            .slots = std::move(record.slots),
            .child = child,
            .start = std::nullopt,
            .spool = host_.OpenSpool(record.id, 0)};
  Rank& kept = ranks_.insert_or_assign(record.id, std::move(rank)).first->second;
  if (child == 0) End(record.id, kept, EndCause::kLaunchRefused, "the host has no more processes");
}

// After each end of a trial, so the look for a later coordinator is spared for a moment: a
// supervisor takes one itself before it starts anything.
void AgentCore::StartQueued() {
  if (queue_.empty() || is_over_) return;
  if (host_.Now() - fence_seen_at_ >= kFenceKnownFor && EndsAsFenced()) return;
  std::vector<Slots> waiting;
  for (auto launch = queue_.begin(); launch != queue_.end();) {
    const bool blocked = IsHeld(launch->slots) || std::ranges::any_of(waiting, [&](const Slots& s) {
                           return Overlap(s, launch->slots);
                         });
    if (blocked) {
      waiting.push_back(launch->slots);
      ++launch;
    } else {
      Start(std::move(*launch));
      launch = queue_.erase(launch);
    }
  }
}

void AgentCore::On(const Adopt& adopt) {
  const std::optional<FoundRank> found = Look(adopt.id);
  const auto known = ranks_.find(adopt.id);  // metrics are asked for again: it stays whose it is
  Rank rank{.token = adopt.token,
            .slots = adopt.slots,
            .child = known == ranks_.end() ? 0 : known->second.child,
            .start = std::nullopt,
            .spool = host_.OpenSpool(adopt.id, adopt.committed_seq)};
  rank.has_news = true;
  Rank& kept = ranks_.insert_or_assign(adopt.id, std::move(rank)).first->second;
  OnStarted(adopt.id, kept);
  // Without a start record, or with one that cannot be read, CheckAdopted looks again.
  if (!found) return;
  if (found->state == FoundState::kExited) OnExited(adopt.id, kept, host_.Record(adopt.id));
  if (found->state == FoundState::kLost && kept.start) OnSupervisorGone(adopt.id, kept);
}

void AgentCore::On(const Order& order) {
  if (std::ranges::find(queue_, order.id, &LaunchRecord::id) == queue_.end()) {
    Deliver({order});
  } else if (order.kind != OrderKind::kControl) {
    On(Recall{order.id});
  }
}

void AgentCore::On(const Recall& recall) {
  const auto queued = std::ranges::find(queue_, recall.id, &LaunchRecord::id);
  if (queued == queue_.end()) return;
  ExitRecord record;
  record.id = recall.id;
  record.token = queued->token;
  record.cause = EndCause::kStopped;
  record.detail = "not started yet";
  queue_.erase(queued);
  unclaimed_.insert(recall.id);
  host_.Send(Exited{std::move(record)});
}

// The file first, so that no order is lost; then its supervisor is woken. Without a start record it
// looks for orders once it has written that.
void AgentCore::Deliver(OpenOrder open) {
  const RankId id = open.order.id;
  open.is_written = open.is_written || host_.WriteOrder(open.order);
  const RankRecord record = host_.Record(id);
  const bool has_begun = record.start && !record.exit;
  if (open.is_written && record.start && host_.Signal(record.start->supervisor, kWakeSignal)) {
    return;
  }
  const bool is_gone = has_begun && IsGone(record.start->supervisor);
  const auto rank = ranks_.find(id);
  // A rank that nobody adopted and nobody supervises: what is left of it goes at once.
  const bool is_stray = rank == ranks_.end() && open.order.kind == OrderKind::kKill;
  if (is_stray && is_gone) host_.KillByToken(record.start->token);
  const bool is_awaited = !open.is_written && rank != ranks_.end() && !rank->second.ended;
  const bool may_be_there = record.is_unreadable || (has_begun && !is_gone);
  if (may_be_there || is_awaited) undelivered_.push_back(std::move(open));
}

void AgentCore::On(const Ack& ack) {
  if (ack.saved) {
    host_.DeleteSaved(ack.id, ack.seq);
  } else {
    host_.WriteAck(ack.id, ack.seq);
  }
}

void AgentCore::On(const Settled& settled) {
  const auto rank = ranks_.find(settled.id);
  if (rank != ranks_.end()) {
    rank->second.last_seq = 0;  // what is owed is wanted no more
    if (rank->second.child == 0) ranks_.erase(rank);
  }
  to_tidy_.insert(settled.id);
}

void AgentCore::On(const GetFile& request) {
  host_.Send(host_.Get(request));
}

void AgentCore::On(const PutFile& request) {
  host_.Send(host_.Put(request));
}

void AgentCore::On(const OfferCode& offer) {
  host_.TakeCode(offer);
}

void AgentCore::On(const CodeBytes& piece) {
  host_.TakeCode(piece);
}

void AgentCore::On(const Heartbeat& heartbeat) {
  host_.Send(heartbeat);
}

}  // namespace ddl
