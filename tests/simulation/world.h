// SPDX-License-Identifier: Apache-2.0
// One simulated world: a store, hosts, links, coordinators, a user, and faults, in one thread and
// virtual time. A run has a time of chaos and a time of healing; then all that can end must end.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/loop.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/memory_store.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/surroundings.h"
#include "tests/simulation/witness.h"

namespace ddl::simulation {

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  Tally tally;
};

class World : public LoopOutside {
 public:
  explicit World(const Options& options);
  Outcome Run();

 private:
  // A stream of messages each way. What is on its way is lost with it.
  struct Connection {
    Loop* loop = nullptr;  // none: the coordinator's end is gone
    int host = 0;
    bool agent_listens = false;
    bool to_host_works = true;  // false: half-open
    bool from_host_works = true;
    Time to_host_last{0};  // deliveries keep their order
    Time from_host_last{0};
  };

  // ---- world.cc: links, and the run
  int Connect(Loop& loop, int host, const Hello& hello) override;
  void Send(int connection, ToHost message) override;
  void Hang(int connection) override;
  void Ended(Loop& loop) override;
  CheckpointFiles* FilesOf(int host) override;
  std::map<std::string, std::string>& Copies() override { return copies_; }
  void Say(int connection, FromHost message);
  void AgentHangs(int connection);
  void EndAgentLater(int connection, Time delay);
  void TellDownLater(int connection, Time delay, const std::string& why);
  [[nodiscard]] Time Latency();
  void StartLoop();
  void Patrol();
  void Heal();
  [[nodiscard]] bool IsOver() const;
  void RunUntilOver();
  [[nodiscard]] Time Patience() const;
  void CheckEnd();

  // ---- chaos.cc: faults that come by time
  void PlanChaos();
  void Again(Fault fault, void (World::*strike)());
  void CutLink();
  void HalfOpen();
  void Reboot();
  void LosePower();
  void RestartHost(Machine& machine, bool power_was_lost);
  void StorePowerLoss();
  void FillDisk();
  void StepClock();
  void SecondCoordinator();
  void HoldCore();
  void ChangeDevice();
  std::optional<int> AnyOpenConnection();
  Machine& AnyMachine();

  // ---- fleet.cc
  [[nodiscard]] bool IsFailing(int host) const;
  void KeepATenthFailing();

  // ---- away.cc: one host comes back last
  void SendAway(int host);
  void LookAtRest();
  [[nodiscard]] Time MostLostAfter() const;
  [[nodiscard]] std::int64_t EndsSoFar() const;
  [[nodiscard]] std::int64_t AttemptsAway() const;
  [[nodiscard]] bool IsRestOver() const;
  [[nodiscard]] bool IsRestOver(const SweepSpec& spec) const;
  [[nodiscard]] bool HasOtherHost(const SweepSpec& spec) const;
  [[nodiscard]] bool IsGivenUp(const SweepSpec& spec) const;

  // ---- user.cc
  void PlanUser();
  void OpenSweep(std::size_t index, bool retry_failed);
  void Act();
  void ChangeSpec();
  void ResumeAll();

  Surroundings around_;
  MemoryStore store_;
  Witness witness_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<SimulatedHost>> programs_;
  std::vector<std::unique_ptr<Loop>> loops_;  // the last is the one that counts
  std::vector<Connection> connections_;
  std::map<std::string, std::string> copies_;  // of checkpoints
  std::vector<SweepSpec> specs_;
  std::set<std::size_t> asked_for_;  // sweeps that the user has opened once
  std::uint64_t last_request_ = 0;
  std::int64_t commits_seen_ = 0;
  Time progress_at_{0};
  std::optional<int> away_;  // the host that nobody gets through to
  bool waits_for_loss_ = false;
  std::int64_t rest_ends_ = 0;
  Time rest_at_{0};  // when something ended last while a host was away
};

}  // namespace ddl::simulation
