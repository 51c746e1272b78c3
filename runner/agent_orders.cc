// SPDX-License-Identifier: Apache-2.0
// What the coordinator says to an agent.
#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/agent.h"
#include "runner/file_transfer.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "runner/orders.h"
#include "runner/process.h"
#include "runner/supervisor.h"

namespace ddl {

namespace {

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

void Agent::Obey(const ToHost& message) {
  if (!welcomed_ && !std::holds_alternative<Hello>(message)) {
    return Refuse("the first word is Hello");
  }
  std::visit([this](const auto& alternative) { On(alternative); }, message);
}

void Agent::On(const Hello& hello) {
  paths_.store_id = hello.store_id;
  HostFacts facts = ReadHostFacts();
  if (const std::string problem = ClaimHostFolder(paths_, facts.machine_id); !problem.empty()) {
    return Refuse(problem, kOtherFolder);
  }
  paths_.pipes_folder = ClaimPipesFolder(paths_);
  facts.folder = paths_.Store();
  const EpochRecord seen = ReadEpoch(paths_);
  facts.epoch_seen = seen.epoch;
  const bool is_copy = !seen.holder.empty() && !hello.holder.empty() &&
                       seen.holder != hello.holder && HolderMayLive(seen.holder, facts.hostname);
  if (is_copy && !hello.take_over) {
    return Refuse(fmt::format("this store is a copy: its trials here belong to {}", seen.holder),
                  "go on there, or take them over by ddl sweep SPEC --take-over");
  }
  if (hello.epoch < facts.epoch_seen && !hello.take_over) {
    return Refuse(fmt::format("a later coordinator (epoch {}, ours is {}) has this store's trials",
                              facts.epoch_seen, hello.epoch));
  }
  epoch_ = hello.epoch;
  holder_ = hello.holder;
  if (!RaiseEpoch(paths_, {hello.epoch, hello.holder})) {
    return Refuse("cannot write to " + paths_.Store(), kOtherFolder);
  }
  epoch_mark_ = EpochMark(paths_);
  // Opened for both directions: never at its end, whoever comes and goes.
  bell_.Reset(::open(paths_.Bell().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!bell_) return Refuse("cannot open " + paths_.Bell(), kOtherFolder);
  welcomed_ = true;
  AppendFrame(FromHost(Welcome{std::move(facts), Scan()}), out_);
}

void Agent::On(const Launch& launch) {
  const LaunchRecord& record = launch.record;
  const auto queued = [&](const LaunchRecord& other) { return other.id == record.id; };
  if (ranks_.contains(record.id) || std::ranges::any_of(queue_, queued)) return;  // sent twice
  if (::access(paths_.Job(record.id).c_str(), F_OK) == 0) {
    return On(
        Adopt{record.id, record.token, 0, record.slots});  // its supervisor is of an earlier agent
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
bool Agent::IsHeld(const Slots& slots) const {
  return std::ranges::any_of(ranks_, [&](const auto& entry) {
    return !entry.second.ended && Overlap(entry.second.slots, slots);
  });
}

void Agent::Start(LaunchRecord record) {
  const pid_t child = ::fork();
  if (child == 0) RunSupervisor(record, paths_, {.leases_folder = leases_folder_});
  Rank rank{.token = record.token,
            .slots = std::move(record.slots),
            .child = child > 0 ? child : 0,
            .start = std::nullopt,
            .spool = SpoolReader(paths_.Job(record.id), record.id, 0)};
  Rank& kept = ranks_.insert_or_assign(record.id, std::move(rank)).first->second;
  if (child < 0) End(record.id, kept, EndCause::kLaunchRefused, "the host has no more processes");
}

void Agent::StartQueued() {
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

void Agent::On(const Adopt& adopt) {
  const FoundRank found = Look(adopt.id);
  const auto known = ranks_.find(adopt.id);  // metrics are asked for again: it stays whose it is
  Rank rank{.token = adopt.token,
            .slots = adopt.slots,
            .child = known == ranks_.end() ? 0 : known->second.child,
            .start = std::nullopt,
            .spool = SpoolReader(paths_.Job(adopt.id), adopt.id, adopt.committed_seq)};
  rank.has_news = true;
  Rank& kept = ranks_.insert_or_assign(adopt.id, std::move(rank)).first->second;
  OnStarted(adopt.id, kept);
  if (found.state == FoundState::kExited) OnExited(adopt.id, kept);
  // Without a start record its supervisor may just be starting: CheckAdopted looks again.
  if (found.state == FoundState::kLost && kept.start) OnSupervisorGone(adopt.id, kept);
}

void Agent::On(const Order& order) {
  const auto queued = std::ranges::find(queue_, order.id, &LaunchRecord::id);
  if (queued != queue_.end()) {
    if (order.kind == OrderKind::kControl) return;
    ExitRecord record;
    record.id = order.id;
    record.token = queued->token;
    record.cause = EndCause::kStopped;
    record.detail = "not started yet";
    queue_.erase(queued);
    AppendFrame(FromHost(Exited{std::move(record)}), out_);
    return;
  }
  Deliver(order);
}

void Agent::DeliverOrders() {
  for (const Order& order : std::exchange(undelivered_, {})) {
    Deliver(order);
  }
}

void Agent::Deliver(const Order& order) {
  const Delivery delivery = PostOrder(paths_.Job(order.id), order.kind, order.line);
  const auto rank = ranks_.find(order.id);
  const bool lives = rank != ranks_.end() && !rank->second.ended;
  if (delivery == Delivery::kNotWritten && lives) undelivered_.push_back(order);
  // A rank that nobody adopted and nobody supervises: what is left of it goes at once.
  if (delivery != Delivery::kDone && rank == ranks_.end() && order.kind == OrderKind::kKill) {
    const FoundRank found = Look(order.id);
    if (found.state == FoundState::kLost) KillByToken(found.token);
  }
}

void Agent::On(const Ack& ack) {
  const std::string folder = paths_.Job(ack.id);
  if (ack.saved) {
    DeleteSavedSegments(folder, ack.id, ack.seq);
  } else {
    PostAck(folder, ack.seq);
  }
}

void Agent::On(const Settled& settled) {
  const auto rank = ranks_.find(settled.id);
  if (rank != ranks_.end() && rank->second.child == 0) ranks_.erase(rank);
  to_tidy_.insert(settled.id);
}

void Agent::On(const GetFile& request) {
  AppendFrame(FromHost(ReadPiece(paths_.host_folder, request)), out_);
}

void Agent::On(const PutFile& request) {
  AppendFrame(FromHost(WritePiece(paths_.host_folder, request)), out_);
}

void Agent::On(const Heartbeat& heartbeat) {
  AppendFrame(FromHost(heartbeat), out_);
}

}  // namespace ddl
