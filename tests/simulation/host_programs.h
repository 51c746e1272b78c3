// SPDX-License-Identifier: Apache-2.0
// The programs of a simulated host: agents, one a connection, which are the product's; supervisors,
// in steps between which each may be killed; and the bell between them. The disk outlives all.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runner/bell.h"
#include "tests/simulation/agent_process.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/machine.h"

namespace ddl::simulation {

class HostPrograms final : public SimulatedHost, public AgentSiblings {
 public:
  explicit HostPrograms(Machine& machine) : machine_(machine), around_(machine.Around()) {}

  void Connect(int connection, const Hello& hello) override;
  void Receive(int connection, const ToHost& message) override;
  void LinkEnded(int connection) override;
  void Booted(bool power_was_lost) override;
  void ClockStepped() override;
  void TrialReported(std::int64_t pid, double value) override;
  void TrialEnded(std::int64_t pid, int exit_code, int signal) override;

 private:
  struct Supervisor {
    LaunchRecord record;
    ProcessIdentity identity;
    std::int64_t trial = 0;
    std::vector<MetricReport> unwritten;  // the disk refused them
    std::optional<EndCause> forced;
    Time began{0};
  };

  // ---- host_programs.cc: agents and the bell
  void Turn(int connection, bool is_idle, const std::function<void(AgentCore&)>& facts);
  void PlanTurn(int connection, AgentProcess& agent);
  void WakeAgents();
  void Ring(const BellLine& line);
  void CountAdoption(RankId id);
  pid_t StartSupervisor(int connection, const LaunchRecord& record) override;
  void Wake(const ProcessIdentity& supervisor) override;
  void SupervisorEnded(const ProcessIdentity& supervisor);

  // ---- model_supervisor.cc
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
  Disk disk_;
  std::map<int, std::unique_ptr<AgentProcess>> agents_;  // by connection
  std::map<std::int64_t, int> parents_;                  // connections, by the supervisor's pid
  RankId last_started_;
  std::map<RankId, Supervisor> supervisors_;
  std::map<std::int64_t, RankId> trial_pids_;
};

}  // namespace ddl::simulation
