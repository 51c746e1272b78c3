// SPDX-License-Identifier: Apache-2.0
// A simulated host as its programs see it: processes, pids that are used again, signals, leases, a
// disk that may be full, clocks that may jump. The border between the world and the host's
// programs: SimulatedHost is what the world calls, Machine what the programs call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/messages.h"
#include "tests/simulation/checkpoint_files.h"
#include "tests/simulation/surroundings.h"
#include "tests/simulation/witness.h"

namespace ddl::simulation {

// The programs of a host: an agent a connection, a supervisor a rank.
class SimulatedHost {
 public:
  virtual ~SimulatedHost() = default;
  virtual void Connect(int connection, const Hello& hello) = 0;
  virtual void Receive(int connection, const ToHost& message) = 0;
  virtual void LinkEnded(int connection) = 0;  // its agent sees that its link is gone
  virtual void Booted(bool power_was_lost) = 0;
  virtual void DevicesChanged() = 0;
  virtual void TrialReported(std::int64_t pid, double value) = 0;
  virtual void TrialEnded(std::int64_t pid, int exit_code, int signal) = 0;
};

enum class ProcessKind { kSupervisor, kTrial, kStranger };

class Machine {
 public:
  using Tell = std::function<void(int connection, FromHost message)>;
  using CloseLink = std::function<void(int connection)>;

  Machine(Surroundings& around, Witness& witness, HostPlan plan, Tell tell, CloseLink close);
  void Install(SimulatedHost& programs) { programs_ = &programs; }

  // ---- for the programs
  ProcessIdentity Spawn(ProcessKind kind, RankId rank, const std::string& token);
  [[nodiscard]] bool IsAlive(const ProcessIdentity& identity) const;
  [[nodiscard]] std::optional<std::uint64_t> TicksOf(std::int64_t pid) const;
  [[nodiscard]] std::chrono::milliseconds AgeOf(const ProcessIdentity& identity) const;
  void End(const ProcessIdentity& identity);
  // A child's pid stays taken until its parent has heard of its end.
  void EndChild(const ProcessIdentity& identity);
  void Reap(const ProcessIdentity& identity);
  // The pid of the trial's process; nothing when the program could not be started.
  std::optional<std::int64_t> StartTrial(const LaunchRecord& record);
  void Signal(std::int64_t pid, bool kill);
  void KillByToken(const std::string& token);
  // Who holds what is asked for, or nothing: then it is held for the rank.
  std::optional<std::string> Lease(RankId rank, const Slots& slots, SlotBusy& busy);
  void Release(RankId rank);
  [[nodiscard]] bool IsDiskFull() const { return disk_is_full_; }
  // Whether what is written now is refused.
  [[nodiscard]] bool RefusesWrite();
  [[nodiscard]] std::int64_t UnixMs() const;
  [[nodiscard]] HostFacts Facts() const;
  void Say(int connection, FromHost message) { tell_(connection, std::move(message)); }
  void Hang(int connection) { close_(connection); }
  [[nodiscard]] Surroundings& Around() { return around_; }
  [[nodiscard]] Witness& Truth() { return witness_; }
  [[nodiscard]] const std::string& Name() const { return plan_.name; }

  // ---- for the world
  [[nodiscard]] SimulatedHost& Programs() { return *programs_; }
  [[nodiscard]] bool IsOn() const { return is_on_; }
  void PowerOff();
  void Boot(bool power_was_lost);
  void SetDiskFull(bool is_full) { disk_is_full_ = is_full; }
  void StepClock(std::chrono::milliseconds by);
  void SetForeignCore(int core, bool is_held);
  void SetCoreMissing(std::optional<int> core) {
    missing_core_ = core;
    programs_->DevicesChanged();
  }
  [[nodiscard]] const HostPlan& Plan() const { return plan_; }
  [[nodiscard]] CheckpointFiles& Checkpoints() { return checkpoints_; }

 private:
  struct Script;
  struct Process {
    ProcessKind kind = ProcessKind::kStranger;
    std::uint64_t ticks = 0;
    RankId rank;
    std::string token;
    std::string checkpoint;  // the name of its folder
    std::chrono::nanoseconds began{0};
    std::int64_t reports = 0;
    int exit_code = 0;
    int signal = 0;
    bool ignores_term = false;
    bool goes_on_after_term = false;
    bool is_ending = false;
  };
  struct Held {
    RankId rank;
    Slots slots;
  };

  [[nodiscard]] bool IsHeldYet(const Held& held) const;
  void Report(ProcessIdentity trial, std::int64_t left, Time every);
  void EndTrial(const ProcessIdentity& trial, int exit_code, int signal, bool was_killed);

  void WriteCheckpoint(const Process& process);

  Surroundings& around_;
  Witness& witness_;
  CheckpointFiles checkpoints_;
  HostPlan plan_;
  Tell tell_;
  CloseLink close_;
  SimulatedHost* programs_ = nullptr;
  std::map<std::int64_t, Process> processes_;        // by pid
  std::map<std::int64_t, ProcessIdentity> zombies_;  // by pid
  std::vector<Held> leases_;
  std::set<int> foreign_;  // cores that somebody else holds
  std::optional<int> missing_core_;
  std::int64_t boots_ = 1;
  std::int64_t last_pid_ = 300;
  std::uint64_t last_ticks_ = 0;
  std::set<std::int64_t> used_pids_;
  std::chrono::milliseconds clock_offset_{1'700'000'000'000};
  bool disk_is_full_ = false;
  std::int64_t clock_drift_ = 0;  // millionths that the wall clock is too fast
  bool is_on_ = true;
};

}  // namespace ddl::simulation
