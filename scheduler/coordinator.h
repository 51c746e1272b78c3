// SPDX-License-Identifier: Apache-2.0
// The loop around the core: collect what happened, apply it, commit once, then act. It owns the
// store's writing side, the link to each host, the search thread and the socket; all of them talk
// to it through one mailbox. Trials outlive it: destroying it stops none.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "configs/error.h"
#include "runner/control_server.h"
#include "runner/mailbox.h"
#include "scheduler/admission.h"
#include "scheduler/checkpoint_courier.h"
#include "scheduler/code_desk.h"
#include "scheduler/control_words.h"
#include "scheduler/core.h"
#include "scheduler/front_desk.h"
#include "scheduler/host_link.h"
#include "scheduler/search/search_desk.h"
#include "store/store.h"

namespace ddl {

struct CoordinatorOptions {
  std::string store_folder;
  std::string agent_path;
  std::string trainer_path;
  bool take_over = false;  // trials that a copy of this store, or a later coordinator, has now
};

// What the process that runs the coordinator shows. Called on the deciding thread.
class CoordinatorObserver {
 public:
  virtual ~CoordinatorObserver() = default;
  // About ten times a second while a sweep is open, and once more when it has ended.
  virtual void OnProgress(const SweepProgress& progress, const std::vector<RunningTrial>& running,
                          Now now) = 0;
  virtual void OnSay(SweepId sweep, const std::string& text) = 0;
  virtual void OnHangUp() = 0;  // the terminal is gone: write to it no more
};

enum class LoopEnd : std::uint8_t {
  kAllEnded,     // every sweep that may launch has come to its end
  kInterrupted,  // SIGINT or SIGTERM: trials go on
};

// What became of a request to open a sweep.
struct OpenedSweep {
  SweepId sweep;
  bool is_over = false;  // it had ended before and nothing is left to do
  bool went_on = false;
  SweepOutcome outcome = SweepOutcome::kNone;  // with is_over
};

// What was decided could not be written down or done: whoever has decided it must not go on, and
// the next coordinator begins with what is on disk.
class Unsettled : public Error {
 public:
  explicit Unsettled(const Error& problem) : Error(problem) {}
};

class Coordinator {
 public:
  // Raises the store's epoch. Sweeps that the store knows as unfinished are opened for adoption:
  // their live trials are watched to the end, further ones wait until somebody asks for the sweep.
  Coordinator(CoordinatorOptions options, Store store, CoordinatorObserver& observer);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;
  Coordinator(Coordinator&&) = delete;
  Coordinator& operator=(Coordinator&&) = delete;
  ~Coordinator() = default;

  // Begins the sweep or goes on with it, as Admit says. Throws Error where it is refused.
  [[nodiscard]] OpenedSweep Open(const SweepRequest& request);
  // An act of the user in this process. `word.sweep` empty: the newest.
  [[nodiscard]] Answer Act(const ActWord& word);

  // Until all sweeps have ended, or somebody interrupts.
  LoopEnd Run();
  // For as long as `is_wanted`, which is asked before each turn; sweeps that come in go on by Run.
  LoopEnd RunWhile(const std::function<bool()>& is_wanted);
  // Until no rank is being stopped any more, at most `patience`.
  LoopEnd RunUntilStopped(std::chrono::nanoseconds patience);

  [[nodiscard]] std::vector<SweepProgress> Progress() const { return core_.Progress(Clock()); }
  [[nodiscard]] bool AllSweepsEnded() const { return core_.AllSweepsEnded(); }
  [[nodiscard]] const std::map<SweepId, SweepEnded>& Ended() const { return ended_; }
  // How long the deciding thread took at most for one turn, without its wait for news and without
  // commits: while it takes its time, nobody is served.
  [[nodiscard]] std::chrono::nanoseconds LongestTurn() const { return longest_turn_; }

 private:
  using News = std::variant<HostNews, Proposed, ControlNews, BackupMade, CheckpointFetched>;

  [[nodiscard]] static Now Clock();
  // Collect for at most `patience`, apply, commit once, act.
  void Turn(std::chrono::nanoseconds patience);
  void Settle();  // commit and act on what Step has ordered so far

  void Apply(HostNews& news);
  void Apply(Proposed& proposed);
  void Apply(ControlNews& news);
  void Apply(BackupMade& backup);
  void Apply(CheckpointFetched& fetched);
  void Heard(int host, FromHost& message);
  void HeardOfCode(int host, const CodeNews& news);
  void Greeted(int host, Welcome& welcome);
  void Refuses(int host, const Refused& refused);
  void PassEpoch(HostLink& host, std::uint64_t seen);
  void Down(int host, const LinkDown& down);
  void RefuseTheHopeless() const;
  void Said(const ClientSaid& said);
  void Obey(std::uint64_t client, const OpenWord& word);
  void Obey(std::uint64_t client, const WatchWord& word);
  void Obey(std::uint64_t client, const ActWord& word);

  void Do(CommitChange& action);
  void Do(AskSearch& action);
  void Do(TellSearch& action);
  void Do(SendToHost& action);
  void Do(Answer& action);
  void Do(Say& action);
  void Do(SweepEnded& action);
  void Do(FetchCheckpoint& action);
  void Do(OfferCheckpoint& action);
  void Do(DropCheckpoint& action);

  void Step(const Event& event) { core_.Step(event, Clock(), actions_); }
  [[nodiscard]] SweepId FindOpen(const std::string& name) const;
  [[nodiscard]] std::optional<SweepHistory> LoadNamed(const std::string& name) const;
  [[nodiscard]] SweepId Named(const std::string& name);
  [[nodiscard]] UserAsked Addressed(const ActWord& word);
  void LearnHosts();
  SweepId Enter(SweepOpened opened);
  static void NeedSecrets(const SweepRequest& request);
  void NeedHosts(const SweepOpened& opened);
  void NeedHost(const std::string& name);
  // Learns the hosts of the sweep, each of which is to have the code.
  void NeedCode(SweepId sweep, const std::string& code);
  void KeepCode();
  void DropCode(SweepId sweep);
  void SayToAll(const std::string& text);
  void ShowProgress(bool ended);
  void KeepBackup();
  template <class Call>
  void OnDisk(Call call);

  CoordinatorOptions options_;
  CoordinatorObserver& observer_;
  Store store_;
  std::uint64_t epoch_;
  Core core_;
  std::vector<Action> actions_;
  std::map<std::string, SweepId> by_name_;  // the newest of each name that is open in the core
  std::map<SweepId, SweepEnded> ended_;
  std::map<SweepId, std::vector<std::string>> hosts_of_;  // of sweeps that are open
  std::map<std::string, Error> refusals_;                 // hosts that somebody must see to first
  std::map<SweepId, std::string> code_of_;                // of sweeps that are open; "" is none
  CodeDesk code_;
  std::optional<Answer> own_answer_;
  std::uint64_t last_request_ = 0;
  bool interrupted_ = false;
  std::chrono::nanoseconds shown_{0};
  std::chrono::nanoseconds backed_up_{0};
  bool changed_since_backup_ = false;
  std::chrono::nanoseconds longest_turn_{0};
  std::chrono::nanoseconds on_disk_{0};  // of the turn: commits and backups

  // What has a thread comes after what the thread delivers to.
  Mailbox<News> mailbox_;
  std::unique_ptr<ControlServer> control_;
  FrontDesk desk_;
  SearchDesk search_;
  CheckpointCourier courier_;
  std::deque<HostLink> hosts_;  // by the number that the core and the links know them by
};

}  // namespace ddl
