// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/loop.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "configs/planted_bugs.h"
#include "scheduler/admission.h"
#include "scheduler/search/search_desk.h"
#include "tests/simulation/describe.h"

namespace ddl::simulation {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kBackupEvery = std::chrono::minutes(10);
constexpr Time kLongestDelay = seconds(10);  // between two tries to connect

}  // namespace

Loop::Loop(Surroundings& around, MemoryStore& store, Witness& witness, LoopOutside& outside)
    : around_(around), store_(store), witness_(witness), outside_(outside) {
  CoreOptions options;
  options.store_id = "simulated";
  options.given = store_.Given();
  options.epoch = epoch_ = options.given.epoch + 1;
  options.token_seed_high = around_.dice.Next();
  options.token_seed_low = around_.dice.Next();
  options.trainer_path = "/simulated/ddl-trainer";
  core_ = std::make_unique<Core>(std::move(options));
  around_.trace.Note(around_.agenda.Now(), Who(), "begins");
  Begin();
}

// The epoch is written down before any host hears of it. Sweeps that did not end are opened for
// adoption; they go on when somebody asks for them.
void Loop::Begin() {
  witness_.CoordinatorBegan(epoch_);
  Step(ddl::Tick{});
  if (!Settle()) return;
  for (const SweepId sweep : store_.UnfinishedSweeps()) {
    SweepOpened opened;
    opened.history = store_.Load(sweep);
    opened.spec = SpecFromJson(ParseJson(opened.history->spec_json, "spec in the store"));
    opened.spec_text = opened.history->spec_text;
    opened.may_launch = false;
    searches_[opened.history->id] = MakeSearch(opened.spec, opened.history->search);
    Step(opened);
    if (!Settle()) return;
  }
  for (int host = 0; host < std::ssize(around_.scenario.hosts); ++host)
    Remake(host);
  around_.agenda.After(around_.scenario.tick, [this] { Tick(); });
  around_.agenda.After(kBackupEvery, [this] { Backup(); });
}

std::string Loop::Who() const {
  return fmt::format("coordinator-{}", epoch_);
}

Now Loop::Clock() const {
  const Time now = around_.agenda.Now();
  return {now, 1'700'000'000'000 + std::chrono::duration_cast<milliseconds>(now).count()};
}

void Loop::Tell(Event event) {
  if (!IsAlive()) return;
  mailbox_.push_back(std::move(event));
  Wake();
}

void Loop::Wake() {
  if (is_stopped_ || std::exchange(is_awake_, true)) return;
  around_.agenda.After(around_.Moment(), [this] {
    is_awake_ = false;
    if (IsAlive() && !is_stopped_) Turn();
  });
}

void Loop::Tick() {
  if (!IsAlive()) return;
  Wake();
  around_.agenda.After(around_.scenario.tick, [this] { Tick(); });
}

void Loop::Turn() {
  for (Event& event : std::exchange(mailbox_, {})) {
    Step(event);
    if (!IsAlive()) return;
  }
  Step(ddl::Tick{});
  (void)Settle();
}

// A link is used from the moment on in which the core has heard its welcome.
void Loop::NoteLink(const Event& event) {
  if (const auto* up = std::get_if<HostUp>(&event)) {
    LinkState& link = links_.at(up->host);
    link.used = link.welcomes.front();
    link.welcomes.pop_front();
    OfferAgain(up->host);
    witness_.HostAnswers(epoch_, up->name, true);
  } else if (const auto* down = std::get_if<HostDown>(&event)) {
    links_.at(down->host).used = -1;
    const auto host = static_cast<std::size_t>(down->host);
    const std::string& name = around_.scenario.hosts[host].name;
    witness_.HostAnswers(epoch_, name, false);
  }
}

void Loop::Step(const Event& event) {
  NoteLink(event);
  around_.trace.Note(around_.agenda.Now(), Who(), "{}", Describe(event));
  if (const auto* asked = std::get_if<UserAsked>(&event)) {
    has_user_act_ |= asked->verb == UserVerb::kRetry || asked->verb == UserVerb::kExtend;
  }
  core_->Step(event, Clock(), actions_);
}

bool Loop::Settle() {
  std::vector<Action> actions = std::exchange(actions_, {});
  if (PlantedBug(Bug::kActBeforeCommit)) {
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<SendToHost>(&action)) Act(*send);
    }
    if (around_.Strikes(Fault::kCoordinatorCrash)) return Die("before a commit"), false;
  }
  if (PlantedBug(Bug::kAckBeforeCommit)) {
    for (const Action& action : actions) {
      const auto* send = std::get_if<SendToHost>(&action);
      if (send != nullptr && std::holds_alternative<Ack>(send->message)) Act(*send);
    }
  }
  if (!Commit(actions)) return false;
  for (const Action& action : actions) {
    std::visit([this](const auto& what) { Act(what); }, action);
    if (around_.Strikes(Fault::kCoordinatorCrash)) {
      around_.tally.Count(Probe::kCrashBetweenActs);
      Die("between two acts");
    }
    if (!IsAlive()) return false;
  }
  return true;
}

bool Loop::Commit(const std::vector<Action>& actions) {
  std::vector<Change> changes;
  for (const Action& action : actions) {
    if (const auto* commit = std::get_if<CommitChange>(&action)) changes.push_back(commit->change);
  }
  store_.user_acts_allowed = std::exchange(has_user_act_, false);
  if (changes.empty()) return true;
  if (around_.Strikes(Fault::kCoordinatorCrash)) {
    around_.tally.Count(Probe::kCrashBeforeCommit);
    return Die("before a commit"), false;
  }
  if (around_.Strikes(Fault::kStoreDiskFull)) return Die("its disk is full"), false;
  if (!store_.Commit(changes, epoch_)) {
    around_.tally.Count(Probe::kStaleCommitRefused);
    return Die("the store belongs to a later one"), false;
  }
  for (const Change& change : changes) {
    around_.trace.Note(around_.agenda.Now(), "store", "{}", Describe(change));
    witness_.Committed(change);
  }
  if (!around_.Strikes(Fault::kCoordinatorCrash)) return true;
  around_.tally.Count(Probe::kCrashAfterCommit);
  return Die("after a commit"), false;
}

void Loop::Die(std::string_view why) {
  if (!IsAlive()) return;
  around_.trace.Note(around_.agenda.Now(), Who(), "dies: {}", why);
  core_.reset();
  mailbox_.clear();
  for (auto& [host, link] : links_) {
    if (link.connection >= 0) outside_.Hang(link.connection);
  }
  outside_.Ended(*this);
}

void Loop::SetStopped(bool is_stopped) {
  is_stopped_ = is_stopped;
  if (!is_stopped && IsAlive()) Wake();
}

bool Loop::Open(const SweepSpec& spec, bool retry_failed) {
  const std::optional<SweepHistory> known = store_.Load(spec.name);
  const Admission admission = Admit({spec, "text", "{}", false, retry_failed}, known);
  if (const auto* differs = std::get_if<SweepDiffers>(&admission)) {
    around_.trace.Note(around_.agenda.Now(), Who(), "refuses {}: {}", spec.name,
                       differs->difference);
    return false;
  }
  if (std::holds_alternative<SweepIsOver>(admission)) return true;
  witness_.SweepIsPlanned(spec);
  has_user_act_ |= retry_failed;
  const bool goes_on = std::holds_alternative<GoOnWithSweep>(admission);
  if (goes_on && searches_.contains(known->id)) {
    if (!Learns(spec.method)) searches_[known->id] = MakeSearch(spec);
    Step(SpecChanged{known->id, spec, retry_failed});
    return Settle(), true;
  }
  SweepOpened opened{spec, "text", "{}", std::nullopt, retry_failed};
  if (goes_on) opened.history = known;
  Step(opened);
  SweepId id;
  for (const SweepProgress& progress : core_->Progress(Clock())) {
    if (progress.name == spec.name) id = std::max(id, progress.id);
  }
  searches_[id] = MakeSearch(spec, goes_on ? known->search : std::vector<SearchStep>{});
  return Settle(), true;
}

void Loop::Ask(UserAsked asked) {
  unanswered_[asked.request] = asked;
  const std::uint64_t request = asked.request;
  Step(asked);
  const bool is_answered = std::ranges::any_of(actions_, [request](const Action& action) {
    const auto* answer = std::get_if<Answer>(&action);
    return answer != nullptr && answer->request == request;
  });
  if (!is_answered) {
    Surroundings::Violate("whoever is refused is told why", "a request got no answer");
  }
  (void)Settle();
}

void Loop::Heard(int host, FromHost message) {
  LinkState& link = links_.at(host);
  if (auto* welcome = std::get_if<Welcome>(&message)) {
    link.is_up = true;
    link.is_connecting = false;
    link.delay = Time{0};
    link.welcomes.push_back(link.connection);
    const std::string& name = around_.scenario.hosts[static_cast<std::size_t>(host)].name;
    Tell(HostUp{host, std::move(welcome->facts), std::move(welcome->found), name});
  } else if (std::get_if<Refused>(&message) != nullptr) {
    Die("a host refuses it");
  } else if (auto* started = std::get_if<Started>(&message)) {
    Tell(RankStarted{host, std::move(started->record), std::chrono::milliseconds(started->age_ms)});
  } else if (auto* busy = std::get_if<SlotBusy>(&message)) {
    Tell(RankSlotBusy{host, std::move(*busy)});
  } else if (auto* metrics = std::get_if<Metrics>(&message)) {
    Tell(MetricsArrived{host, std::move(*metrics)});
  } else if (auto* exited = std::get_if<Exited>(&message)) {
    Tell(RankExited{host, std::move(exited->record)});
  } else if (auto* changed = std::get_if<FactsChanged>(&message)) {
    Tell(HostChanged{host, std::move(changed->facts)});
  }
}

void Loop::LinkDown(int host, const std::string& why) {
  if (!IsAlive()) return;
  LinkState& link = links_.at(host);
  link.connection = -1;
  link.is_up = false;
  Tell(HostDown{host, why});
  const Time delay = link.delay;
  link.delay = std::clamp<Time>(delay * 2, milliseconds(50), kLongestDelay);
  around_.agenda.After(delay, [this, host] {
    if (IsAlive() && links_.at(host).connection < 0) Remake(host);
  });
}

// Told after 10 s without a word; 20 s later the link is remade, which is no event of its own.
void Loop::LinkSilent(int host) {
  if (!IsAlive()) return;
  Tell(HostSilent{host});
  const int connection = links_.at(host).connection;
  around_.agenda.After(seconds(20), [this, host, connection] {
    if (!IsAlive() || links_.at(host).connection != connection) return;
    outside_.Hang(connection);
    Remake(host);
  });
}

void Loop::Remake(int host) {
  LinkState& link = links_[host];
  link.is_up = false;
  link.connection = outside_.Connect(*this, host, Hello{"simulated", epoch_, false, {}});
}

void Loop::Act(const AskSearch& ask) {
  const Time delay = around_.Strikes(Fault::kSlowSearch)
                         ? around_.dice.Spread(seconds(1), seconds(60))
                         : around_.Moment();
  Proposed proposed = AnswerTo(ask, *searches_.at(ask.sweep));
  around_.agenda.After(delay, [this, proposed = std::move(proposed)] { Tell(proposed); });
}

void Loop::Act(const TellSearch& tell) {
  searches_.at(tell.sweep)->Tell(tell.configuration, tell.outcome);
}

void Loop::Act(const SendToHost& send) {
  const LinkState& link = links_.at(send.host);
  if (link.used >= 0 && link.used == link.connection) outside_.Send(link.used, send.message);
}

void Loop::Act(const Answer& answer) {
  const UserAsked asked = unanswered_.extract(answer.request).mapped();
  if (!answer.ok) {
    around_.tally.Count(Probe::kUserRefused);
    // `explain` says nothing where the store knows better; the command asks that then.
    if (answer.text.empty() && asked.verb != UserVerb::kExplain) {
      Surroundings::Violate("whoever is refused is told why", "an empty answer");
    }
  }
  for (const auto& [id, trial] : store_.Trials()) {
    if (trial.added.sweep != asked.sweep) continue;
    if (std::ranges::count(asked.trials, trial.added.number) == 0) continue;
    if (answer.ok && asked.verb == UserVerb::kStop && !IsEnded(trial.state))
      witness_.UserStopped(id, true);
    if (asked.verb == UserVerb::kRetry || asked.verb == UserVerb::kResume) {
      witness_.UserStopped(id, false);
    }
  }
  if (asked.verb == UserVerb::kRetry && answer.ok) around_.tally.Count(Probe::kReopenedByUser);
  if (asked.verb == UserVerb::kExtend && answer.ok) around_.tally.Count(Probe::kExtended);
  if (asked.verb == UserVerb::kResume && answer.ok) around_.tally.Count(Probe::kPausedAndResumed);
}

void Loop::Act(const SweepEnded& ended) {
  const bool fails_fast = ended.reason.starts_with("fail-fast");
  if (fails_fast) around_.tally.Count(Probe::kFailFast);
  if (ended.outcome == SweepOutcome::kTargetReached) around_.tally.Count(Probe::kTargetReached);
  if (ended.outcome == SweepOutcome::kLimitReached) around_.tally.Count(Probe::kLimitReached);
}

void Loop::Backup() {
  if (!IsAlive()) return;
  if (!is_stopped_ && epoch_ == store_.Given().epoch) Tell(BackupMade{store_.Backup()});
  around_.agenda.After(kBackupEvery, [this] { Backup(); });
}

}  // namespace ddl::simulation
