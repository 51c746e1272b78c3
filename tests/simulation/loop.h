// SPDX-License-Identifier: Apache-2.0
// The product's loop around the product's core, in virtual time: collect what happened, apply it,
// commit once, then act (scheduler/coordinator.cc). It may be killed between any two of these.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "scheduler/core.h"
#include "scheduler/search/search.h"
#include "tests/simulation/checkpoint_files.h"
#include "tests/simulation/memory_store.h"
#include "tests/simulation/surroundings.h"
#include "tests/simulation/witness.h"

namespace ddl::simulation {

class Loop;

// What the loop needs of the world.
class LoopOutside {
 public:
  virtual ~LoopOutside() = default;
  virtual int Connect(Loop& loop, int host, const Hello& hello) = 0;  // a connection
  virtual void Send(int connection, ToHost message) = 0;
  virtual void Hang(int connection) = 0;  // the coordinator's end of it is gone
  virtual void Ended(Loop& loop) = 0;     // the process is gone
  // Nullptr: nobody gets through to the host now.
  virtual CheckpointFiles* FilesOf(int host) = 0;
  // Of checkpoints, on the disk of the coordinator's machine.
  virtual std::map<std::string, std::string>& Copies() = 0;
};

class Loop {
 public:
  Loop(Surroundings& around, MemoryStore& store, Witness& witness, LoopOutside& outside);

  // ---- what comes in
  void Heard(int host, FromHost message);
  void LinkDown(int host, const std::string& why);
  void LinkSilent(int host);
  // The user's `ddl sweep`: begins, goes on, has ended, or is refused (false), as Admit says.
  bool Open(const SweepSpec& spec, bool retry_failed);
  void Ask(UserAsked asked);
  void Die(std::string_view why);
  void SetStopped(bool is_stopped);

  [[nodiscard]] bool IsAlive() const { return core_ != nullptr; }
  [[nodiscard]] bool IsStopped() const { return is_stopped_; }
  [[nodiscard]] std::uint64_t Epoch() const { return epoch_; }
  [[nodiscard]] bool AllEnded() const { return core_->AllSweepsEnded() && mailbox_.empty(); }
  [[nodiscard]] int ConnectionOf(int host) const { return links_.at(host).connection; }
  [[nodiscard]] bool IsUp(int host) const { return links_.at(host).is_up; }

 private:
  struct LinkState {
    int connection = -1;
    std::deque<int> welcomes;  // connections whose welcome the core has not heard yet
    int used = -1;             // the connection that it has heard last, if it is there
    bool is_up = false;
    bool is_connecting = false;
    Time delay{0};
  };
  struct News {
    Event event;
    std::uint64_t request = 0;  // of a user
  };

  void Begin();
  void Tell(Event event);
  void NoteLink(const Event& event);
  void Wake();
  void Turn();
  void Tick();
  // Commit, then act; false when it died on the way.
  bool Settle();
  bool Commit(const std::vector<Action>& actions);
  void Step(const Event& event);
  void Remake(int host);
  void Act(const CommitChange&) {}
  void Act(const AskSearch& ask);
  void Act(const TellSearch& tell);
  void Act(const SendToHost& send);
  void Act(const Answer& answer);
  void Act(const Say&) {}
  void Act(const SweepEnded& ended);
  // ---- loop_checkpoints.cc
  void Act(const FetchCheckpoint& fetch);
  void Act(const OfferCheckpoint& offer);
  void Act(const DropCheckpoint& drop);
  void Deliver(int host, const std::string& code);
  void OfferAgain(int host);
  // ----
  void Backup();
  [[nodiscard]] Now Clock() const;
  [[nodiscard]] std::string Who() const;

  Surroundings& around_;
  MemoryStore& store_;
  Witness& witness_;
  LoopOutside& outside_;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<Core> core_;
  std::deque<Event> mailbox_;
  std::vector<Action> actions_;
  std::map<int, LinkState> links_;
  std::map<SweepId, std::unique_ptr<Search>> searches_;
  std::map<std::uint64_t, UserAsked> unanswered_;
  std::set<std::pair<int, std::string>> offered_;  // copies that hosts are to have
  bool is_awake_ = false;                          // a turn is due
  bool is_stopped_ = false;
  bool has_user_act_ = false;
};

}  // namespace ddl::simulation
