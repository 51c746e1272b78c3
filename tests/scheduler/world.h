// SPDX-License-Identifier: Apache-2.0
// A coordinator's core with everything around it in memory: clock, store, search, hosts. The loop
// is the product's: collect what happened, apply it, commit once, then act. Anything may be killed
// between two turns or between commit and act.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scheduler/core.h"
#include "scheduler/search/search.h"
#include "scheduler/search/search_desk.h"
#include "tests/scheduler/fake_host.h"
#include "tests/scheduler/fake_store.h"

namespace ddl::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A grid of `trials` points that runs /bin/true.
inline SweepSpec GridOf(int trials, const std::string& name = "grid") {
  SweepSpec spec;
  spec.name = name;
  spec.program = "/bin/true";
  spec.command = {"/bin/true"};
  spec.workdir = "/";
  Parameter parameter;
  parameter.path = {"x"};
  parameter.distribution = Distribution::kCategorical;
  for (int value = 0; value < trials; ++value)
    parameter.values.emplace_back(value);
  spec.space = {parameter};
  return spec;
}

class World {
 public:
  using Plan = FakeHost::Plan;

  explicit World(int cores = 2, Plan plan = [](const LaunchRecord&) { return Script{}; }) {
    hosts["local"] = std::make_unique<FakeHost>(cores, std::move(plan));
    Start();
    Connect("local");
  }

  [[nodiscard]] FakeHost& Local() { return *hosts.at("local"); }

  // ---- the coordinator -------------------------------------------------------------------
  void Start() {
    CoreOptions options;
    options.store_id = "testing";
    options.given = store.given;
    options.epoch = store.given.epoch + 1;
    options.token_seed_high = seed;
    options.token_seed_low = options.epoch;
    options.trainer_path = "/testing/ddl-trainer";
    for (const auto& [id, sweep] : store.sweeps) {
      if (sweep.last.state == SweepState::kRunning) {
        options.unfinished_sweeps.push_back(sweep.added.name);
      }
    }
    core = std::make_unique<Core>(std::move(options));
  }

  // What it has not committed is gone; links end with it.
  void Kill() {
    core.reset();
    mailbox.clear();
    searches.clear();
    for (auto& [name, host] : hosts)
      host->Disconnect();
  }

  // A new coordinator knows what the store knows, and the sweeps' files.
  void Restart() {
    Kill();
    Start();
    for (const auto& [id, sweep] : store.sweeps) {
      if (sweep.last.state == SweepState::kRunning) Reopen(sweep.added.name);
    }
  }

  SweepId Open(const SweepSpec& spec) {
    specs[spec.name] = spec;
    Tell(SweepOpened{spec, "text", "{}", store.Load(spec.name), false});
    Turn();
    for (const auto& [id, sweep] : store.sweeps) {
      if (sweep.added.name == spec.name) return id;
    }
    return {};
  }

  void Reopen(const std::string& name, bool retry_failed = false) {
    std::optional<SweepHistory> history = store.Load(name);
    if (history) searches[history->id] = MakeSearch(specs.at(name), history->search);
    Tell(SweepOpened{specs.at(name), "text", "{}", std::move(history), retry_failed});
  }

  void Connect(const std::string& name) {
    const Welcome welcome = hosts.at(name)->Connect();
    Tell(HostUp{LinkOf(name), welcome.facts, welcome.found, name});
  }

  // Its devices are others now.
  void TellDevices(const std::string& name) {
    Tell(HostChanged{LinkOf(name), hosts.at(name)->facts});
  }

  void Disconnect(const std::string& name) {
    hosts.at(name)->Disconnect();
    Tell(HostDown{LinkOf(name), "connection reset"});
  }

  void Tell(Event event) { mailbox.push_back(std::move(event)); }

  // ---- time ------------------------------------------------------------------------------
  // One turn of the loop. `crash` before or after the commit loses the rest of it.
  enum class Crash { kNot, kBeforeCommit, kAfterCommit };
  void Turn(Crash crash = Crash::kNot) {
    std::vector<Action> actions;
    while (!mailbox.empty() && core) {
      const Event event = std::move(mailbox.front());
      mailbox.pop_front();
      core->Step(event, Clock(), actions);
    }
    if (crash == Crash::kBeforeCommit) return Kill();
    std::vector<Change> changes;
    for (const Action& action : actions) {
      if (const auto* commit = std::get_if<CommitChange>(&action))
        changes.push_back(commit->change);
    }
    store.Commit(changes);
    if (crash == Crash::kAfterCommit) return Kill();
    for (Action& action : actions) {
      std::visit([this](auto& what) { Act(what); }, action);
    }
  }

  // All that happens at this moment.
  void Settle() {
    while (!mailbox.empty() && core)
      Turn();
  }

  // Moves the clock to the next thing that happens, and lets it happen.
  void Advance() {
    Time next = next_tick;
    for (auto& [name, host] : hosts) {
      if (const auto at = host->Next()) next = std::min(next, std::max(*at, now));
    }
    now = next;
    if (now >= next_tick) {
      next_tick = now + tick;
      if (core) Tell(Tick{});
    }
    for (auto& [name, host] : hosts)
      host->Advance(now, TellFrom(name));
  }

  void RunFor(Time duration) {
    const Time until = now + duration;
    Settle();
    while (now < until) {
      Advance();
      Settle();
    }
  }

  // Until nothing is left to do; fails when that takes longer than `patience`.
  void RunToEnd(Time patience = std::chrono::hours(24)) {
    const Time until = now + patience;
    Settle();
    while (!core->AllSweepsEnded() && now < until) {
      Advance();
      Settle();
    }
    EXPECT_TRUE(core->AllSweepsEnded()) << "the sweep did not end";
  }

  std::string Ask(UserVerb verb, std::vector<std::int64_t> trials = {},
                  SweepId sweep = SweepId{1}) {
    Tell(UserAsked{++request, verb, sweep, std::move(trials), extend_by});
    Settle();
    return answers.contains(request) ? answers.at(request).text : "no answer";
  }

  [[nodiscard]] Now Clock() const {
    return {now, std::chrono::duration_cast<milliseconds>(now + clock_step).count()};
  }
  [[nodiscard]] SweepProgress Progress(std::size_t index = 0) const {
    return core->Progress(Clock()).at(index);
  }

  Time clock_step{0};  // of the coordinator's wall clock
  FakeStore store;
  std::map<std::string, std::unique_ptr<FakeHost>> hosts;
  std::unique_ptr<Core> core;
  std::deque<Event> mailbox;
  std::map<std::string, SweepSpec> specs;
  std::map<SweepId, std::unique_ptr<Search>> searches;
  std::map<std::uint64_t, Answer> answers;
  std::vector<SweepEnded> ended;
  std::vector<std::string> said;
  Time now = seconds(1000);
  Time tick = milliseconds(500);
  Time next_tick = now + tick;
  std::uint64_t seed = 1;
  std::uint64_t request = 0;
  std::optional<std::int64_t> extend_by;
  bool search_answers = true;
  std::vector<FetchCheckpoint> fetches;
  std::set<std::string> copies;  // of checkpoints, on the coordinator's machine
  std::vector<std::string> offers;
  std::vector<std::string> dropped;
  std::string fetch_problem;
  bool fetches_are_answered = true;
  bool offers_arrive = true;

 private:
  int LinkOf(const std::string& name) const {
    return static_cast<int>(std::distance(hosts.begin(), hosts.find(name)));
  }

  FakeHost::Tell TellFrom(const std::string& name) {
    return [this, link = LinkOf(name)](const FromHost& news) {
      std::visit([this, link](const auto& what) { Hear(link, what); }, news);
    };
  }

  void Hear(int link, const Started& started) {
    Tell(RankStarted{link, started.record, milliseconds(started.age_ms)});
  }
  void Hear(int link, const SlotBusy& busy) { Tell(RankSlotBusy{link, busy}); }
  void Hear(int link, const Metrics& metrics) { Tell(MetricsArrived{link, metrics}); }
  void Hear(int link, const Exited& exited) { Tell(RankExited{link, exited.record}); }
  template <class Other>
  void Hear(int, const Other&) {
    ADD_FAILURE() << "the fake host says nothing else";
  }

  void Act(const CommitChange&) {}
  void Act(const AskSearch& ask) {
    if (!search_answers) return;
    const auto& stored = store.sweeps.at(ask.sweep);
    auto& search = searches[ask.sweep];
    if (!search || !Learns(specs.at(stored.added.name).method)) {
      search = MakeSearch(specs.at(stored.added.name), StepsBefore(ask));
    }
    Tell(AnswerTo(ask, *search));
  }
  void Act(const TellSearch& tell) {
    auto& search = searches[tell.sweep];
    if (search) search->Tell(tell.configuration, tell.outcome);
  }
  void Act(const SendToHost& send) {
    auto host = hosts.begin();
    std::advance(host, send.host);
    if (!host->second->is_linked) return;
    if (const auto* launch = std::get_if<Launch>(&send.message)) ExpectIntent(launch->record);
    host->second->Receive(send.message, now, TellFrom(host->first));
  }
  void Act(const Answer& answer) { answers[answer.request] = answer; }
  void Act(const Say& say) { said.push_back(say.text); }
  void Act(const SweepEnded& end) { ended.push_back(end); }
  // Copies of checkpoints have the names of what was fetched, and outlive coordinators.
  void Act(const FetchCheckpoint& fetch) {
    fetches.push_back(fetch);
    CheckpointFetched answer{
        .sweep = fetch.sweep, .number = fetch.number, .attempt = fetch.attempt};
    const std::string name =
        "trial-" + std::to_string(fetch.trial.value) + "." + std::to_string(fetch.attempt);
    if (fetch.is_there && fetch_problem.empty()) copies.insert(name);
    if (copies.contains(name)) {
      answer.code = name;
    } else {
      answer.problem = fetch.is_there ? fetch_problem : fetch.host + " does not answer";
    }
    if (fetches_are_answered) Tell(answer);
  }
  void Act(const OfferCheckpoint& offer) {
    EXPECT_TRUE(copies.contains(offer.code)) << offer.code;
    offers.push_back(offer.code);
    if (offers_arrive) Tell(CodeReady{offer.host, offer.code, "/brought/" + offer.code});
  }
  void Act(const DropCheckpoint& drop) { dropped.push_back(drop.code); }

  // What its search was asked and told before, for one that is made now.
  std::vector<SearchStep> StepsBefore(const AskSearch& ask) {
    std::vector<SearchStep> steps = store.search[ask.sweep];
    const auto own = std::ranges::find_if(steps, [&ask](const SearchStep& step) {
      return step.configuration == ask.first && step.outcome_json.empty() &&
             step.params_json.empty();
    });
    steps.erase(own, steps.end());
    return steps;
  }

  void ExpectIntent(const LaunchRecord& record) {
    const StoredAttempt* attempt = store.FindJob(record.id.job);
    ASSERT_NE(attempt, nullptr) << "launched without a committed intent";
    EXPECT_EQ(attempt->added.token, record.token);
    EXPECT_FALSE(attempt->ended);
  }
};

}  // namespace ddl::test
