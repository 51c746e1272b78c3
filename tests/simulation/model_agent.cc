// SPDX-License-Identifier: Apache-2.0
// Agents: what a coordinator says, and what is told to it of the ranks it asked about.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/model_host.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;

constexpr Time kTidyAfter = milliseconds(200);
constexpr Time kPostAgain = milliseconds(100);
constexpr std::int64_t kBatch = 3;  // reports a message: small, so that there are many cuts

bool Meet(const Slots& a, const Slots& b) {
  for (const CoreShare& x : a.cores) {
    for (const CoreShare& y : b.cores) {
      const bool overlap = x.first < y.first + y.length && y.first < x.first + x.length;
      if (x.core == y.core && overlap) return true;
    }
  }
  for (const GpuShare& x : a.gpus) {
    for (const GpuShare& y : b.gpus) {
      const bool overlap = x.first < y.first + y.length && y.first < x.first + x.length;
      if (x.uuid == y.uuid && overlap) return true;
    }
  }
  return false;
}

}  // namespace

void ModelHost::Connect(int connection, const Hello& hello) {
  agents_[connection].epoch = hello.epoch;
  On(connection, hello);
}

void ModelHost::Receive(int connection, const ToHost& message) {
  const auto agent = agents_.find(connection);
  if (agent == agents_.end()) return;
  around_.trace.Note(around_.agenda.Now(), machine_.Name(), "hears {}", Describe(message));
  if (agent->second.epoch < epoch_seen_ && !PlantedBug(Bug::kAcceptAnyEpoch)) {
    around_.tally.Count(Probe::kStaleEpochRefused);
    return EndAgent(connection);
  }
  if (around_.Strikes(Fault::kAgentCrash)) return EndAgent(connection);
  std::visit([this, connection](const auto& what) { On(connection, what); }, message);
  if (agents_.contains(connection) && around_.Strikes(Fault::kAgentCrash)) EndAgent(connection);
}

void ModelHost::EndAgent(int connection) {
  agents_.erase(connection);
  machine_.Hang(connection);
}

void ModelHost::LinkEnded(int connection) {
  const auto agent = agents_.find(connection);
  if (agent == agents_.end()) return;
  std::vector<std::string> tokens;
  for (const auto& [id, rank] : agent->second.ranks)
    tokens.push_back(rank.token);
  agents_.erase(agent);
  if (!PlantedBug(Bug::kDieWithLink)) return;
  for (const std::string& token : tokens)
    machine_.KillByToken(token);
}

void ModelHost::On(int connection, const Hello& hello) {
  if (hello.epoch < epoch_seen_ && !PlantedBug(Bug::kAcceptAnyEpoch)) {
    around_.tally.Count(Probe::kStaleEpochRefused);
    machine_.Say(connection, Refused{"a later coordinator has this store's trials", epoch_seen_});
    agents_.erase(connection);
    return;
  }
  epoch_seen_ = std::max(epoch_seen_, hello.epoch);
  // One agent a store: an earlier one, whose link is dead or taken over, hears nothing any more.
  std::vector<int> earlier;
  for (const auto& [other, agent] : agents_) {
    if (other != connection) earlier.push_back(other);
  }
  if (!PlantedBug(Bug::kAcceptAnyEpoch)) {
    for (const int other : earlier)
      EndAgent(other);
  }
  HostFacts facts = machine_.Facts();
  facts.epoch_seen = epoch_seen_;
  Welcome welcome{std::move(facts), {}};
  for (const auto& [id, folder] : folders_) {
    if (!folder.is_settled) welcome.found.push_back(Found(id, folder));
  }
  machine_.Say(connection, std::move(welcome));
}

FoundRank ModelHost::Found(RankId id, const Folder& folder) const {
  if (folder.exit) return {id, folder.exit->token, FoundState::kExited};
  const bool alive = folder.start && IsAlive(folder.start->supervisor);
  return {id, folder.start ? folder.start->token : std::string(),
          alive ? FoundState::kAlive : FoundState::kLost};
}

bool ModelHost::IsAlive(const ProcessIdentity& supervisor) const {
  if (PlantedBug(Bug::kComparePidOnly)) return machine_.HasPid(supervisor.pid);
  return machine_.IsAlive(supervisor);
}

bool ModelHost::IsHeld(const Agent& agent, const Slots& slots) {
  return std::ranges::any_of(agent.ranks, [&](const auto& entry) {
    return !entry.second.ended && Meet(entry.second.slots, slots);
  });
}

void ModelHost::On(int connection, const Launch& launch) {
  Agent& agent = agents_.at(connection);
  const LaunchRecord& record = launch.record;
  const bool is_queued =
      std::ranges::any_of(agent.queue, [&](const auto& other) { return other.id == record.id; });
  if (agent.ranks.contains(record.id) || is_queued || folders_.contains(record.id)) {
    around_.tally.Count(Probe::kStartedTwiceRefused);
    if (PlantedBug(Bug::kStartTwice) && !is_queued) Start(connection, record);
    return;
  }
  agent.queue.push_back(record);
  if (IsHeld(agent, record.slots)) around_.tally.Count(Probe::kLaunchedAhead);
  StartQueued(connection);
}

// First come, first served: nothing overtakes a launch that waits for the same slot.
void ModelHost::StartQueued(int connection) {
  Agent& agent = agents_.at(connection);
  std::vector<Slots> waiting;
  for (auto launch = agent.queue.begin(); launch != agent.queue.end();) {
    const bool is_blocked =
        IsHeld(agent, launch->slots) || std::ranges::any_of(waiting, [&](const Slots& slots) {
          return Meet(slots, launch->slots);
        });
    if (is_blocked) {
      waiting.push_back(launch->slots);
      ++launch;
      continue;
    }
    LaunchRecord record = std::move(*launch);
    launch = agent.queue.erase(launch);
    Start(connection, std::move(record));
  }
}

void ModelHost::On(int connection, const Adopt& adopt) {
  AgentRank& rank = agents_.at(connection).ranks[adopt.id];
  if (adopt.committed_seq < rank.told) around_.tally.Count(Probe::kMetricsReplayed);
  const auto folder = folders_.find(adopt.id);
  if (folder != folders_.end()) {
    const FoundState state = Found(adopt.id, folder->second).state;
    around_.tally.Count(state == FoundState::kAlive    ? Probe::kAdoptedAlive
                        : state == FoundState::kExited ? Probe::kAdoptedExited
                                                       : Probe::kAdoptedLost);
  }
  rank = {.token = adopt.token, .slots = adopt.slots, .told = adopt.committed_seq};
  Look(connection, adopt.id);
}

void ModelHost::On(int connection, const Order& order) {
  Agent& agent = agents_.at(connection);
  const auto queued = std::ranges::find(agent.queue, order.id, &LaunchRecord::id);
  if (queued == agent.queue.end()) return Post(connection, order.id, order.kind, 0);
  around_.tally.Count(Probe::kRecalled);
  ExitRecord record;
  record.id = order.id;
  record.token = queued->token;
  record.cause = EndCause::kStopped;
  agent.queue.erase(queued);
  machine_.Say(connection, Exited{record});
}

// An order is a file in the folder: it waits for the folder and for room on the disk.
void ModelHost::Post(int connection, RankId id, OrderKind kind, int tries) {
  const auto agent = agents_.find(connection);
  if (agent == agents_.end()) return;
  const auto folder = folders_.find(id);
  const auto rank = agent->second.ranks.find(id);
  const bool is_coming =
      folder == folders_.end() && rank != agent->second.ranks.end() && !rank->second.ended;
  const bool is_full = folder != folders_.end() && machine_.IsDiskFull();
  constexpr int kMostTries = 100'000;
  if ((is_coming || is_full) && tries < kMostTries) {
    around_.agenda.After(
        kPostAgain, [this, connection, id, kind, tries] { Post(connection, id, kind, tries + 1); });
    return;
  }
  if (folder == folders_.end()) return;
  machine_.Truth().OrderReached(id.job, agent->second.epoch, epoch_seen_);
  folder->second.orders.push_back(kind);
  if (machine_.IsAlive(folder->second.supervisor)) {
    if (kind == OrderKind::kKill) around_.tally.Count(Probe::kStrayKilled);
    return Obey(id);
  }
  if (kind == OrderKind::kKill) machine_.KillByToken(folder->second.record.token);
}

void ModelHost::On(int, const Ack& ack) {
  machine_.Truth().Acked(ack.id.job, ack.seq, ack.saved);
}

void ModelHost::On(int connection, const Settled& settled) {
  auto& ranks = agents_.at(connection).ranks;
  const auto rank = ranks.find(settled.id);
  if (rank != ranks.end() && rank->second.ended) ranks.erase(rank);
  around_.agenda.After(kTidyAfter, [this, connection, id = settled.id] {
    if (agents_.contains(connection)) Tidy(id);
  });
}

void ModelHost::Tidy(RankId id) {
  const auto folder = folders_.find(id);
  if (folder != folders_.end() && folder->second.exit) folder->second.is_settled = true;
}

void ModelHost::LookLater(RankId id, Time delay) {
  around_.agenda.After(delay, [this, id] {
    std::vector<int> connections;
    for (const auto& [connection, agent] : agents_) {
      if (agent.ranks.contains(id)) connections.push_back(connection);
    }
    for (const int connection : connections)
      Look(connection, id);
  });
}

// A rank that this agent did not launch: its supervisor was on its way when an earlier agent died.
// The coordinator may have given it up meanwhile, and then has it killed.
void ModelHost::TellStart(RankId id) {
  for (const auto& [connection, agent] : agents_) {
    if (!agent.ranks.contains(id)) machine_.Say(connection, Started{*folders_.at(id).start});
  }
}

// What is new of a rank is told: its start, its reports, its end.
void ModelHost::Look(int connection, RankId id) {
  Agent& agent = agents_.at(connection);
  const auto found = agent.ranks.find(id);
  if (found == agent.ranks.end() || found->second.ended) return;
  AgentRank& rank = found->second;
  const auto entry = folders_.find(id);
  if (entry == folders_.end()) {
    return End(connection, id, rank, EndCause::kLaunchRefused, "its supervisor did not start");
  }
  const Folder& folder = entry->second;
  const bool is_started = folder.start && folder.start->pid != 0;
  if (is_started && !std::exchange(rank.told_start, true)) {
    machine_.Say(connection, Started{*folder.start});
  }
  // Reports and the end come by different ways: either may be first.
  const bool is_end_first = folder.exit && around_.dice.Chance(200'000);
  if (!is_end_first) TellSpool(connection, id, rank, folder);
  if (folder.exit) {
    rank.ended = true;
    machine_.Say(connection, Exited{*folder.exit});
    if (is_end_first) TellSpool(connection, id, rank, folder);
    return StartQueued(connection);
  }
  if (!IsAlive(folder.supervisor)) SupervisorIsGone(connection, id, rank);
}

void ModelHost::TellSpool(int connection, RankId id, AgentRank& rank, const Folder& folder) {
  while (rank.told < std::ssize(folder.spool)) {
    const std::int64_t until = std::min(rank.told + kBatch, std::ssize(folder.spool));
    machine_.Say(connection,
                 Metrics{id, {folder.spool.begin() + rank.told, folder.spool.begin() + until}});
    rank.told = until;
  }
}

void ModelHost::SupervisorIsGone(int connection, RankId id, AgentRank& rank) {
  const Folder& folder = folders_.at(id);
  if (PlantedBug(Bug::kSignalStalePid) && folder.start) machine_.Signal(folder.start->pid, true);
  machine_.KillByToken(rank.token);
  const bool rebooted =
      folder.start && folder.start->supervisor.boot_id != machine_.Facts().boot_id;
  End(connection, id, rank, rebooted ? EndCause::kHostRebooted : EndCause::kSupervisorLost,
      rebooted ? "the host was rebooted" : "its supervisor was killed");
}

void ModelHost::End(int connection, RankId id, AgentRank& rank, EndCause cause,
                    const std::string& detail) {
  ExitRecord record;
  record.id = id;
  record.token = rank.token;
  record.cause = cause;
  record.detail = detail;
  record.last_seq = rank.told;
  rank.ended = true;
  machine_.Say(connection, Exited{record});
  StartQueued(connection);
}

}  // namespace ddl::simulation
