// SPDX-License-Identifier: Apache-2.0
// The programs of a simulated host: agents, one a connection, and supervisors, one a rank, all of
// them the product's; and the bell between them. The disk outlives all.
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
#include "tests/simulation/supervisor_process.h"

namespace ddl::simulation {

class HostPrograms final : public SimulatedHost, public AgentSiblings, public SupervisorSiblings {
 public:
  explicit HostPrograms(Machine& machine) : machine_(machine), around_(machine.Around()) {}

  void Connect(int connection, const Hello& hello) override;
  void Receive(int connection, const ToHost& message) override;
  void LinkEnded(int connection) override;
  void Booted(bool power_was_lost) override;
  void DevicesChanged() override;
  void TrialReported(std::int64_t pid, double value) override;
  void TrialEnded(std::int64_t pid, int exit_code, int signal) override;

 private:
  // ---- host_programs.cc: agents and the bell
  void Turn(int connection, bool is_idle, const std::function<void(AgentCore&)>& facts);
  void PlanTurn(int connection, AgentProcess& agent);
  void WakeAgents();
  void CountAdoption(RankId id);
  // ---- supervisors
  pid_t StartSupervisor(int connection, const LaunchRecord& record,
                        std::uint64_t epoch_mark) override;
  void Wake(const ProcessIdentity& supervisor) override;
  void Ring(const BellLine& line) override;
  void TrialStarted(std::int64_t trial, const ProcessIdentity& supervisor) override;
  void TurnLater(const ProcessIdentity& supervisor, Time delay,
                 std::function<void(SupervisorCore&)> facts);
  void Turn(SupervisorProcess& supervisor, const std::function<void(SupervisorCore&)>& facts);
  [[nodiscard]] SupervisorProcess* Find(const ProcessIdentity& supervisor);
  void SupervisorEnded(ProcessIdentity supervisor);

  Machine& machine_;
  Surroundings& around_;
  Disk disk_;
  std::map<int, std::unique_ptr<AgentProcess>> agents_;  // by connection
  std::map<std::int64_t, int> parents_;                  // connections, by the supervisor's pid
  RankId last_started_;
  std::map<std::int64_t, std::unique_ptr<SupervisorProcess>> supervisors_;  // by pid
  std::map<std::int64_t, ProcessIdentity> trials_;  // their supervisors, by the trial's pid
};

}  // namespace ddl::simulation
