// SPDX-License-Identifier: Apache-2.0
// The inside of the core, spread over core_*.cc by subject. Everything runs on the deciding thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/core.h"
#include "scheduler/explain.h"
#include "scheduler/live_job.h"
#include "scheduler/sweep_run.h"
#include "scheduler/verdict.h"

namespace ddl {

// One step: what time it is, and where its actions go.
struct Turn {
  Now now;
  std::vector<Action>& actions;

  void Commit(Change change) { actions.emplace_back(CommitChange{std::move(change)}); }
  void Send(const HostState& host, ToHost message) {
    if (host.is_up) actions.emplace_back(SendToHost{host.link, std::move(message)});
  }
  // What was to be sent earlier in the turn goes with the link that it was meant for. On the next
  // one it would overtake what that tells: a launch that is given up by then would start.
  void Unsend(const HostState& host) {
    std::erase_if(actions, [&host](const Action& action) {
      const auto* send = std::get_if<SendToHost>(&action);
      return send != nullptr && send->host == host.link;
    });
  }
};

struct Core::State {
  explicit State(CoreOptions the_options) : options(std::move(the_options)), given(options.given) {}

  CoreOptions options;
  Counters given;
  std::map<SweepId, SweepRun> sweeps;  // earlier ones are served first
  std::map<std::string, HostState> hosts;
  std::map<JobId, LiveJob> jobs;
  SeatId last_seat = 0;
  bool is_begun = false;        // the epoch is committed
  bool is_leaving = false;      // nothing is launched any more
  bool needs_placement = true;  // something happened that may let a trial start
  std::optional<std::chrono::nanoseconds> ticked_at;

  // One handler an event.
  void On(const SweepOpened& opened, Turn& turn);
  void On(const SpecChanged& changed, Turn& turn);
  void On(const HostUp& up, Turn& turn);
  void On(const HostChanged& changed, Turn& turn);
  void On(const HostDown& down, Turn& turn);
  void On(const HostSilent& silent, Turn& turn);
  void On(const RankStarted& started, Turn& turn);
  void On(const RankSlotBusy& refused, Turn& turn);
  void On(const MetricsArrived& arrived, Turn& turn);
  void On(const RankExited& exited, Turn& turn);
  void On(const Proposed& proposed, Turn& turn);
  void On(const BackupMade& made, Turn& turn);
  void On(const EpochPassed& passed, Turn& turn);
  void On(const Tick& tick, Turn& turn);
  void On(const UserAsked& asked, Turn& turn);
  void On(const CodeReady& ready, Turn& turn);
  void On(const CodeAwaited& awaited, Turn& turn);
  void On(const CheckpointFetched& fetched, Turn& turn);
  // After every event: limits, launches, ends of sweeps.
  void Decide(Turn& turn);

  // core_sweeps.cc, core_restore.cc
  SweepRun& Begin(const SweepOpened& opened, Turn& turn);
  SweepRun& Restore(const SweepOpened& opened, const SweepHistory& history, Turn& turn);
  void RestoreTrials(SweepRun& sweep, const SweepHistory& history, Now now);
  void RestoreJob(SweepRun& sweep, const OpenAttempt& open, std::int64_t number, Now now);
  void ReopenFailed(SweepRun& sweep, Turn& turn);
  void Revive(SweepRun& sweep, Turn& turn);
  void ApplySpec(SweepRun& sweep, const SweepSpec& asked, Turn& turn);
  static void CommitSweep(const SweepRun& sweep, bool with_spec, Turn& turn);
  [[nodiscard]] bool IsWhole() const;

  // core_search.cc
  void Ask(SweepRun& sweep, std::int64_t configuration, Turn& turn);
  static void NoteSearch(SweepRun& sweep, const std::string& note, Turn& turn);
  static void StoreAnswers(SweepRun& sweep, const Proposed& proposed, Turn& turn);
  void ShrinkTo(SweepRun& sweep, std::int64_t trials, Turn& turn);
  [[nodiscard]] static std::vector<double> ObjectivesOf(const SweepRun& sweep, std::int64_t number);
  [[nodiscard]] static double ResourceOf(const SweepRun& sweep, std::int64_t configuration);
  [[nodiscard]] static std::optional<Outcome> OutcomeOf(const SweepRun& sweep,
                                                        std::int64_t configuration);
  static void TellSearchOf(SweepRun& sweep, std::int64_t configuration, Turn& turn);
  static void NoteFront(SweepRun& sweep, std::int64_t configuration);
  static void RestoreSearch(SweepRun& sweep, const SweepHistory& history);

  // core_lineage.cc
  [[nodiscard]] static bool MayAsk(const SweepRun& sweep, std::int64_t configuration);
  [[nodiscard]] static std::optional<std::int64_t> ParentOf(const SweepRun& sweep,
                                                            std::int64_t number);
  [[nodiscard]] static std::optional<std::int64_t> ReportsOfSegment(const SweepRun& sweep,
                                                                    std::int64_t number);
  [[nodiscard]] static bool HasDoneItsPart(const SweepRun& sweep, std::int64_t number);
  void LookAtSegment(SweepRun& sweep, LiveJob& job, std::int64_t step, Turn& turn);
  static void RestoreLineage(SweepRun& sweep, const SweepHistory& history);

  // core_trials.cc
  void EnsureRow(SweepRun& sweep, std::int64_t number, Turn& turn);
  void Move(SweepRun& sweep, std::int64_t number, TrialState to, const std::string& reason,
            Turn& turn);
  void Reopen(SweepRun& sweep, std::int64_t number, const std::string& reason, Turn& turn);
  void Want(SweepRun& sweep, std::int64_t number, Wanted wanted, Turn& turn);
  void NoteBest(SweepRun& sweep, std::int64_t number);
  void DropConfiguration(SweepRun& sweep, std::int64_t configuration);

  // What a trial goes on from.
  struct Checkpoint {
    std::int64_t of = 0;  // the number of the trial that left it
    std::string host;     // where
    std::string code;     // the snapshot of it that this machine has, or ""
    // Of the hosts that have it: where the trial has begun from it already, else `host`.
    std::string rather;
  };

  // core_launch.cc
  struct Spot {
    HostState* host = nullptr;
    std::string name;
    Slots slots;
  };
  void PlaceAll(Turn& turn);
  void PlaceSweep(SweepRun& sweep, std::optional<std::string>& reserved, Turn& turn);
  [[nodiscard]] static Request RequestOfTrial(const SweepRun& sweep, std::int64_t number);
  std::optional<std::int64_t> NextToLaunch(SweepRun& sweep, const std::set<std::int64_t>& passed,
                                           Turn& turn);
  std::optional<Spot> FindSpot(SweepRun& sweep, const std::optional<Checkpoint>& checkpoint,
                               const Request& request, const std::optional<std::string>& reserved);
  void LaunchAhead(SweepRun& sweep, Turn& turn);
  // False: nothing is left that should be sent ahead.
  bool LaunchAheadOn(const std::string& name, std::size_t depth, SweepRun& sweep, Turn& turn);
  std::optional<std::int64_t> NextAhead(SweepRun& sweep, const std::string& host, Turn& turn);
  [[nodiscard]] bool TakesMore(const Seat& seat, std::size_t depth, const Turn& turn) const;
  [[nodiscard]] int LanesFor(const SweepRun& sweep, std::int64_t number,
                             const std::string& host) const;
  void LaunchTrial(SweepRun& sweep, std::int64_t number, const std::string& host, SeatId seat,
                   Turn& turn);
  void RecallQueued(Turn& turn);
  // `only`: where the trial that waits has to go; nullptr: to any.
  [[nodiscard]] std::optional<std::string> HostToReserve(const SweepRun& sweep,
                                                         const std::string* only,
                                                         const Turn& turn) const;

  // core_pruning.cc
  static void MakePrunerOf(SweepRun& sweep);
  static std::optional<std::string> Count(SweepRun& sweep, std::int64_t number, std::int64_t step,
                                          double value);
  void LookAt(SweepRun& sweep, LiveJob& job, std::int64_t step, double value, Turn& turn);
  void LookAtEnd(SweepRun& sweep, std::int64_t number, Turn& turn);
  bool PruneLoser(SweepRun& sweep, std::int64_t number, Turn& turn);
  void RestorePruner(SweepRun& sweep, const SweepHistory& history, Turn& turn);

  // core_promotion.cc
  [[nodiscard]] static bool IsHeldBy(TrialState state, std::string_view reason);
  static void Hold(SweepRun& sweep, std::int64_t number, std::string_view reason);
  static void Release(SweepRun& sweep, std::int64_t number);
  void Promote(SweepRun& sweep, Turn& turn);
  void PruneHeld(SweepRun& sweep, Turn& turn);
  static void RestoreHeld(SweepRun& sweep, const SweepHistory& history);
  static void NoteCheckpoint(SweepRun& sweep, const LiveJob& job, const ExitRecord& record);

  // core_checkpoints.cc
  [[nodiscard]] std::optional<Checkpoint> CheckpointFor(const SweepRun& sweep,
                                                        std::int64_t number) const;
  [[nodiscard]] static const CheckpointCopy* CopyOf(const SweepRun& sweep, std::int64_t number);
  [[nodiscard]] bool IsLost(const SweepRun& sweep, std::int64_t number,
                            const std::string& host) const;
  [[nodiscard]] static bool HasCheckpoint(const Checkpoint& checkpoint, const std::string& name,
                                          const HostState& host);
  [[nodiscard]] std::string WhereBrought(const SweepRun& sweep, std::int64_t number,
                                         const std::string& name) const;
  void Bring(SweepRun& sweep, std::int64_t number, const Checkpoint& checkpoint,
             const std::optional<std::string>& reserved, Turn& turn);
  [[nodiscard]] const std::string* WhereTo(const SweepRun& sweep, std::int64_t number,
                                           const Checkpoint& checkpoint,
                                           const std::optional<std::string>& reserved) const;
  [[nodiscard]] bool HasRoomFor(const SweepRun& sweep, std::int64_t number,
                                const std::string& name) const;
  [[nodiscard]] bool TakesTrials(const SweepRun& sweep, const std::string& name) const;
  void FetchCopy(SweepRun& sweep, const Checkpoint& checkpoint, Turn& turn) const;
  void OfferCopy(const SweepRun& sweep, std::int64_t number, const std::string& code,
                 Turn& turn) const;
  void Unbind(SweepRun& sweep, std::int64_t number, Turn& turn) const;
  void UnbindAll(SweepRun& sweep, Turn& turn) const;
  void NoteLaunchRefused(SweepRun& sweep, const LiveJob& job, const ExitRecord& record);
  [[nodiscard]] std::string HowFarBrought(const SweepRun& sweep, std::int64_t number,
                                          const Checkpoint& checkpoint) const;

  // core_seats.cc
  SeatId OpenSeat(SweepRun& sweep, HostState& host, const Slots& slots);
  void Sit(LiveJob& job, SeatId seat);
  void LeaveSeat(LiveJob& job);
  LiveJob& AddJob(SweepRun& sweep, LiveJob job, Now now);

  // core_hosts.cc
  HostState* HostOfLink(int link);
  void TellViewers(const std::string& name, const std::string& what, Turn& turn) const;
  void Dismiss(HostState& host, const FoundRank& found, Turn& turn);
  void JudgeStrangers(Turn& turn);
  [[nodiscard]] Adopt AdoptionOf(const LiveJob& job) const;
  void AdoptJob(HostState& host, const LiveJob& job, Turn& turn) const;
  void MissJob(LiveJob& job, Turn& turn);
  void CheckFeasible(SweepRun& sweep, Turn& turn);

  // core_lost.cc
  void CountAway(Turn& turn);
  void GiveUpLost(Turn& turn);
  [[nodiscard]] bool IsGivenUp(const LiveJob& job) const;
  [[nodiscard]] bool CanGoElsewhere(const SweepRun& sweep, const std::string& away) const;
  void Lose(LiveJob& job, Turn& turn);

  // core_code.cc
  [[nodiscard]] static bool HasCode(const SweepRun& sweep, const HostState& host);
  [[nodiscard]] static std::string CodeFolder(const SweepRun& sweep, const HostState& host);
  void AddCode(const SweepRun& sweep, TrialFacts& facts) const;

  // core_inventory.cc
  // Why not even an idle host does, whatever is drained there; or "".
  [[nodiscard]] static std::string NeverTakes(const HostState& host, const Request& request);
  void ApplyInventory(SweepRun& sweep, Turn& turn);
  static void SetFacts(HostState& host, const HostFacts& facts);
  [[nodiscard]] static const HostEntry* EntryFor(const SweepRun& sweep, const std::string& address);
  [[nodiscard]] const std::string& TitleOf(const std::string& address) const;
  void DrainGpus(const LiveJob& job, const std::string& reason, Turn& turn);
  void RecallFrom(HostState& host, Turn& turn);
  [[nodiscard]] std::int64_t LiveOn(const std::string& address) const;
  [[nodiscard]] std::optional<std::string> AddressOf(const std::string& word) const;

  // core_host_health.cc
  [[nodiscard]] std::string WhyClosed(const std::string& address, Now now) const;
  [[nodiscard]] std::string WhyClosed(const SweepRun& sweep, Now now) const;
  void WakeHosts(Turn& turn);
  [[nodiscard]] std::optional<HostHealth::Time> LastWellElsewhere(const SweepRun& sweep,
                                                                  const std::string& address,
                                                                  Now now) const;
  void NoteHealth(const LiveJob& job, const ExitRecord& record, Turn& turn);
  // What the rule says that a line of the log has met; nullptr: none that means anything here.
  [[nodiscard]] static std::int64_t GpuMemoryOf(const LiveJob& job, const HostState& host);
  [[nodiscard]] bool HasLargerGpus(const SweepRun& sweep, std::int64_t than_mib) const;
  [[nodiscard]] const FailureRule* RuleFor(const SweepRun& sweep, const LiveJob& job,
                                           const ExitRecord& record) const;
  void ActOnFailure(const LiveJob& job, const ExitRecord& record, Turn& turn);

  // core_ranks.cc
  LiveJob* FindJob(RankId rank, const std::string& token);
  [[nodiscard]] bool IsStranger(int link, RankId rank) const;
  void Stop(LiveJob& job, StopCause cause, Turn& turn);
  void Finish(LiveJob& job, const ExitRecord& record, Turn& turn);
  void NeverBegan(LiveJob& job, const ExitRecord& record, const std::string& why, Turn& turn);
  void Conclude(LiveJob& job, const ExitRecord& record, const Verdict& verdict, Turn& turn);
  void AfterEnd(SweepRun& sweep, std::int64_t number, const Verdict& verdict, Turn& turn);
  static void Remember(SweepRun& sweep, std::int64_t number, const ExitRecord& record,
                       const Verdict& verdict);
  static void Account(SweepRun& sweep, const ExitRecord& record, Turn& turn);
  void FinishOverdue(Turn& turn);

  // core_metrics.cc
  static void LearnFurther(SweepRun& sweep, std::int64_t number, const MetricReport& report);
  void Learn(SweepRun& sweep, LiveJob& job, const MetricReport& report, Turn& turn);

  // core_ending.cc
  void BeginEnding(SweepRun& sweep, SweepOutcome outcome, const std::string& reason, Turn& turn);
  void StopAll(SweepRun& sweep, StopCause cause, JobId but, Turn& turn);
  void CheckLimits(SweepRun& sweep, Turn& turn);
  void Conclude(SweepRun& sweep, Turn& turn);
  void End(SweepRun& sweep, SweepOutcome outcome, const std::string& reason, Turn& turn);
  [[nodiscard]] double GpuHours(const SweepRun& sweep, Turn& turn) const;

  // core_explain.cc
  [[nodiscard]] std::string WaitsFor(const SweepRun& sweep, Now now) const;
  [[nodiscard]] TrialFacts FactsOf(const SweepRun& sweep, std::int64_t number, Now now) const;
  void AddWait(const SweepRun& sweep, Now now, TrialFacts& facts) const;
  void AddShortage(const SweepRun& sweep, Now now, TrialFacts& facts) const;
  void AddHost(const SweepRun& sweep, TrialFacts& facts) const;
  void AddCheckpoint(const SweepRun& sweep, TrialFacts& facts) const;
  [[nodiscard]] std::optional<std::string> ExplainTrial(const SweepRun& sweep, std::int64_t number,
                                                        Now now) const;

  // core_user.cc
  void ObeyLate(SweepRun& sweep, Turn& turn);
  struct Reply {
    bool ok = true;
    std::string text;
  };
  [[nodiscard]] static bool MayReopen(SweepRun& sweep, UserVerb verb);
  Reply ObeyForSweep(SweepRun& sweep, UserVerb verb, Turn& turn);
  Reply ObeyForTrials(SweepRun& sweep, const UserAsked& asked, Turn& turn);
  Reply ObeyForTrial(SweepRun& sweep, std::int64_t number, UserVerb verb, Turn& turn);
  Reply HaltTrial(SweepRun& sweep, std::int64_t number, Wanted wanted, Turn& turn);
  void SettleHalt(SweepRun& sweep, std::int64_t number, Wanted wanted, Turn& turn);
  Reply ResumeTrial(SweepRun& sweep, std::int64_t number, Turn& turn);
  Reply RetryTrial(SweepRun& sweep, std::int64_t number, Turn& turn);
  Reply Extend(SweepRun& sweep, std::int64_t by, Turn& turn);
  // core_inventory.cc
  Reply ObeyForHost(const UserAsked& asked, Turn& turn);
  Reply Drain(const std::string& address, const std::string& reason, Turn& turn);
  Reply TakeIn(const std::string& address, Turn& turn);
  Reply AddHostTo(const UserAsked& asked, Turn& turn);
  Reply RemoveHostFrom(const std::string& address, const UserAsked& asked, Turn& turn);
  static void ChangeHosts(SweepRun& sweep, const std::function<void(SweepSpec&)>& change);
  [[nodiscard]] Reply ListHosts(Now now) const;
  [[nodiscard]] Reply ExplainAll(const SweepRun& sweep, const std::vector<std::int64_t>& numbers,
                                 const Turn& turn) const;
};

}  // namespace ddl
