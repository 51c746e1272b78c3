// SPDX-License-Identifier: Apache-2.0
// A model of agent and supervisors, at the level of messages: what runner/messages.h and
// docs/architecture.md say of them, in steps between which each may be killed. Job folders outlive
// all of them; an agent's memory does not.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/machine.h"

namespace ddl::simulation {

class ModelHost : public SimulatedHost {
 public:
  explicit ModelHost(Machine& machine) : machine_(machine), around_(machine.Around()) {}

  void Connect(int connection, const Hello& hello) override;
  void Receive(int connection, const ToHost& message) override;
  void LinkEnded(int connection) override;
  void Booted(bool power_was_lost) override;
  void ClockStepped() override;
  void TrialReported(std::int64_t pid, double value) override;
  void TrialEnded(std::int64_t pid, int exit_code, int signal) override;

 private:
  // A rank whose news the coordinator of this link wants.
  struct AgentRank {
    std::string token;
    Slots slots;
    std::int64_t told = 0;
    bool told_start = false;
    bool ended = false;
  };
  struct Agent {
    std::uint64_t epoch = 0;
    std::map<RankId, AgentRank> ranks;
    std::deque<LaunchRecord> queue;
  };
  struct Folder {
    LaunchRecord record;
    ProcessIdentity supervisor;
    std::optional<StartRecord> start;
    std::optional<ExitRecord> exit;
    std::vector<MetricReport> spool;
    std::vector<MetricReport> unwritten;  // the disk refused them
    std::vector<OrderKind> orders;
    std::optional<EndCause> forced;
    Time began{0};
    bool is_settled = false;
  };

  // ---- model_agent.cc
  void On(int connection, const Hello& hello);
  void On(int connection, const Launch& launch);
  void On(int connection, const Adopt& adopt);
  void On(int connection, const Order& order);
  void On(int connection, const Ack& ack);
  void On(int connection, const Settled& settled);
  void On(int, const GetFile&) {}
  void On(int, const PutFile&) {}
  void On(int, const Heartbeat&) {}
  void StartQueued(int connection);
  [[nodiscard]] static bool IsHeld(const Agent& agent, const Slots& slots);
  void Look(int connection, RankId id);
  void LookLater(RankId id, Time delay);
  void TellStart(RankId id);
  void TellSpool(int connection, RankId id, AgentRank& rank, const Folder& folder);
  void SupervisorIsGone(int connection, RankId id, AgentRank& rank);
  void End(int connection, RankId id, AgentRank& rank, EndCause cause, const std::string& detail);
  void Post(int connection, RankId id, OrderKind kind, int tries);
  void Tidy(RankId id);
  [[nodiscard]] FoundRank Found(RankId id, const Folder& folder) const;
  [[nodiscard]] bool IsAlive(const ProcessIdentity& supervisor) const;
  void EndAgent(int connection);

  // ---- model_host.cc: supervisors
  void Start(int connection, LaunchRecord record);
  template <class Step>
  void Next(const ProcessIdentity& supervisor, RankId id, Time delay, Step step);
  void Claim(const ProcessIdentity& supervisor, LaunchRecord record);
  void WriteStart(RankId id);
  void Execute(RankId id);
  void Obey(RankId id);
  void Stop(RankId id, EndCause cause, bool at_once);
  void KeepTimeout(RankId id);
  void WriteSpool(RankId id);
  void WriteExit(RankId id, int exit_code, int signal);
  // By value: the folder that held it goes.
  void Refuse(RankId id, ProcessIdentity supervisor, const std::string& why);
  void KillSupervisor(const ProcessIdentity& supervisor, RankId id);

  Machine& machine_;
  Surroundings& around_;
  std::map<int, Agent> agents_;  // by connection
  std::map<RankId, Folder> folders_;
  std::map<std::int64_t, RankId> trial_pids_;
  std::uint64_t epoch_seen_ = 0;
};

}  // namespace ddl::simulation
