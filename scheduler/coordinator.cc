// SPDX-License-Identifier: Apache-2.0
#include "scheduler/coordinator.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <filesystem>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "configs/error.h"
#include "configs/ssh_address.h"
#include "scheduler/outside.h"
#include "store/sweep_address.h"

namespace ddl {

namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kTick = std::chrono::milliseconds(100);
constexpr nanoseconds kBackupEvery = std::chrono::minutes(10);
constexpr std::size_t kShownTrials = 64;
constexpr const char* kLocalHost = "local";

std::uint64_t RandomBits() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

CoreOptions MakeCoreOptions(const CoordinatorOptions& options, const Store& store,
                            std::uint64_t epoch) {
  CoreOptions core;
  core.store_id = store.Id();
  core.given = store.Given();
  core.epoch = epoch;
  core.token_seed_high = RandomBits();
  core.token_seed_low = RandomBits();
  core.trainer_path = options.trainer_path;
  return core;
}

// "HOST:FOLDER" by its true name, so that a link to a store is no other store.
std::string Holder(const std::string& store_folder) {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  std::error_code problem;
  const auto folder = std::filesystem::canonical(store_folder, problem);
  return fmt::format("{}:{}", name.data(), problem ? store_folder : folder.string());
}

}  // namespace

Coordinator::Coordinator(CoordinatorOptions options, Store store, CoordinatorObserver& observer)
    : options_(std::move(options)),
      observer_(observer),
      store_(std::move(store)),
      epoch_(store_.Given().epoch + 1),
      core_(MakeCoreOptions(options_, store_, epoch_)),
      code_(options_.store_folder + "/code"),
      control_(MakeControlServer(options_.store_folder,
                                 [this](ControlNews news) { mailbox_.Put(std::move(news)); })),
      desk_(*control_),
      search_([this](Proposed proposed) { mailbox_.Put(std::move(proposed)); }),
      courier_(options_.store_folder, options_.agent_path,
               [this](CheckpointFetched fetched) { mailbox_.Put(std::move(fetched)); }) {
  backed_up_ = Clock().monotonic;
  // The epoch is in the database before any host hears of it: no other start may greet with it too.
  Step(Tick{});
  Settle();
  NeedHost(kLocalHost);
  for (const SweepId sweep : store_.UnfinishedSweeps()) {
    std::optional<SweepHistory> history = store_.Load(sweep);
    assert(history);
    SweepOpened opened;
    opened.spec = SpecFromJson(ParseJson(history->spec_json, "spec in the store"));
    if (opened.spec.is_outside) continue;
    opened.spec_text = history->spec_text;
    opened.history = std::move(history);
    opened.may_launch = false;
    Enter(std::move(opened));
  }
}

OpenedSweep Coordinator::Open(const SweepRequest& request) {
  NeedSecrets(request);
  const std::optional<SweepHistory> known = store_.Load(request.spec.name);
  if (known && !request.begin_new) RefuseOutside(*known);
  const Admission admission = Admit(request, known);
  if (const auto* differs = std::get_if<SweepDiffers>(&admission)) {
    throw Error(fmt::format("sweep \"{}\" exists with another spec:\n{}", request.spec.name,
                            differs->difference),
                "", "begin another with --new, or give the spec another name");
  }
  if (std::holds_alternative<SweepIsOver>(admission)) {
    assert(known);
    return {known->id, true, false, known->outcome};
  }
  const bool goes_on = std::holds_alternative<GoOnWithSweep>(admission);
  assert(known || !goes_on);
  const auto open = by_name_.find(request.spec.name);
  if (goes_on && known && open != by_name_.end() && open->second == known->id) {
    search_.Change(known->id, request.spec, known->search);
    NeedHosts({.spec = request.spec});
    const SweepSpec stored = SpecFromJson(ParseJson(known->spec_json, "spec in the store"));
    Step(SpecChanged{known->id, request.spec, request.retry_failed, request.secrets});
    NeedCode(known->id, WithExtension(stored, request.spec).code);
    Settle();
    ended_.erase(known->id);
    return {known->id, false, true, SweepOutcome::kNone};
  }
  SweepOpened opened{request.spec, request.spec_text, request.provenance_json, std::nullopt,
                     request.retry_failed};
  opened.secrets = request.secrets;
  if (goes_on) opened.history = known;
  return {Enter(std::move(opened)), false, goes_on, SweepOutcome::kNone};
}

SweepId Coordinator::Enter(SweepOpened opened) {
  const std::string name = opened.spec.name;
  const SweepSpec spec = opened.spec;
  auto steps = opened.history ? opened.history->search : std::vector<SearchStep>{};
  NeedHosts(opened);
  Step(opened);
  // The core gave a new sweep its id: the largest of that name.
  SweepId& newest = by_name_[name];
  for (const SweepAddress& known : core_.Sweeps()) {
    if (known.name == name) newest = std::max(newest, known.id);
  }
  const SweepId sweep = opened.history ? opened.history->id : newest;
  search_.Open(sweep, spec, std::move(steps));
  NeedCode(sweep, spec.code);
  Settle();
  return sweep;
}

void Coordinator::NeedSecrets(const SweepRequest& request) {
  for (const SecretVariable& secret : request.spec.secrets) {
    if (request.secrets.contains(secret.secret)) continue;
    throw Error(fmt::format("the value of secret {} did not come with the spec", secret.secret), "",
                "start it by ddl sweep");
  }
}

// Hosts of its spec, and those on which attempts of its may live still.
void Coordinator::NeedHosts(const SweepOpened& opened) {
  for (const std::string& name : opened.spec.hosts) {
    NeedHost(name);
  }
  if (!opened.history) return;
  for (const OpenAttempt& attempt : opened.history->open_attempts) {
    NeedHost(attempt.host);
  }
}

void Coordinator::NeedHost(const std::string& name) {
  if (std::ranges::find(hosts_, name, &HostLink::Name) != hosts_.end()) return;
  const int number = static_cast<int>(hosts_.size());
  const Deliver deliver = [this](HostNews news) { mailbox_.Put(std::move(news)); };
  MakeLink make = [this, number, deliver](const Hello& hello) {
    return MakeLocalLink({.host = number,
                          .agent_path = options_.agent_path,
                          .host_folder = {},
                          .hello = hello,
                          .code_folder = {}},
                         deliver);
  };
  if (name != kLocalHost) {
    auto parsed = ParseSshAddress(name);
    if (const auto* bad = std::get_if<BadAddress>(&parsed)) {
      throw Error(bad->why, name, "write ssh://[USER@]HOST[:PORT]");
    }
    make = [this, number, deliver, code_folder = code_.Folder(),
            address = std::get<SshAddress>(std::move(parsed))](const Hello& hello) {
      return MakeSshLink({.host = number,
                          .address = address,
                          .agent_path = options_.agent_path,
                          .hello = hello,
                          .code_folder = code_folder},
                         deliver);
    };
  }
  hosts_.emplace_back(name,
                      Hello{store_.Id(), epoch_, options_.take_over, Holder(options_.store_folder)},
                      std::move(make));
}

Answer Coordinator::Act(const ActWord& word) {
  const UserAsked acts = Addressed(word);
  own_answer_.reset();
  Step(acts);
  LearnHosts();
  Settle();
  return own_answer_.value_or(Answer{acts.request, true, {}});
}

// With its sweep and a number. What is said of hosts opens no sweep that is not open.
UserAsked Coordinator::Addressed(const ActWord& word) {
  UserAsked acts = word.acts;
  acts.request = ++last_request_;
  const bool opens_none = IsOfHosts(acts.verb) || acts.verb == UserVerb::kExplain;
  acts.sweep = opens_none ? FindOpen(word.sweep) : Named(word.sweep);
  for (const auto& [name, id] : by_name_) {
    const bool is_meant = IsOfHosts(acts.verb) && word.sweep.empty() && !ended_.contains(id);
    if (is_meant && (ended_.contains(acts.sweep) || id > acts.sweep)) acts.sweep = id;
  }
  if (acts.entry) NeedHost(acts.entry->address);
  return acts;
}

// What an act may have changed: hosts that came, and ended sweeps that go on.
void Coordinator::LearnHosts() {
  std::erase_if(ended_, [this](const auto& entry) { return core_.IsOpen(entry.first); });
  for (const auto& [sweep, code] : std::map(code_of_)) {
    NeedCode(sweep, core_.CodeOf(sweep));
  }
}

LoopEnd Coordinator::Run() {
  while (!interrupted_) {
    Turn(kTick);
    if (core_.AllSweepsEnded()) {
      KeepBackup();
      return LoopEnd::kAllEnded;
    }
  }
  return LoopEnd::kInterrupted;
}

LoopEnd Coordinator::RunWhile(const std::function<bool()>& is_wanted) {
  while (!interrupted_ && is_wanted()) {
    Turn(kTick);
  }
  return interrupted_ ? LoopEnd::kInterrupted : LoopEnd::kAllEnded;
}

LoopEnd Coordinator::RunUntilStopped(nanoseconds patience) {
  const nanoseconds until = Clock().monotonic + patience;
  bool busy = core_.IsStopping();
  while (!interrupted_ && busy && Clock().monotonic < until) {
    Turn(kTick);
    busy = core_.IsStopping();
  }
  return interrupted_ ? LoopEnd::kInterrupted : LoopEnd::kAllEnded;
}

Now Coordinator::Clock() {
  using std::chrono::duration_cast;
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  return {duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()),
          duration_cast<std::chrono::milliseconds>(unix_time).count()};
}

// Its time on disk counts apart.
template <class Call>
void Coordinator::OnDisk(Call call) {
  const nanoseconds began = Clock().monotonic;
  call();
  on_disk_ += Clock().monotonic - began;
}

void Coordinator::Turn(nanoseconds patience) {
  const nanoseconds began = Clock().monotonic;
  on_disk_ = nanoseconds(0);
  for (HostLink& host : hosts_) {
    host.Keep(Clock().monotonic);
  }
  const nanoseconds waits = Clock().monotonic;
  auto arrived = mailbox_.TakeAll(patience);
  const nanoseconds waited = Clock().monotonic - waits;
  for (News& news : arrived) {
    std::visit([this](auto& alternative) { Apply(alternative); }, news);
  }
  KeepCode();
  Step(Tick{});
  Settle();
  ShowProgress(false);
  if (Clock().monotonic - backed_up_ > kBackupEvery) KeepBackup();
  longest_turn_ = std::max(longest_turn_, Clock().monotonic - began - waited - on_disk_);
}

void Coordinator::Settle() {
  std::vector<Action> actions = std::exchange(actions_, {});
  std::vector<Change> changes;
  for (Action& action : actions) {
    if (auto* commit = std::get_if<CommitChange>(&action)) {
      changes.push_back(std::move(commit->change));
    }
  }
  try {
    if (!changes.empty()) {
      OnDisk([&] { store_.Commit(changes); });
      changed_since_backup_ = true;
    }
    for (Action& action : actions) {
      std::visit([this](auto& alternative) { Do(alternative); }, action);
    }
  } catch (const Error& problem) {
    throw Unsettled(problem);
  }
}

void Coordinator::ShowProgress(bool ended) {
  const Now now = Clock();
  if (!ended && now.monotonic - shown_ < kTick) return;
  shown_ = now.monotonic;
  for (const SweepProgress& progress : core_.Progress(now)) {
    const std::vector<RunningTrial> running = core_.Running(progress.id, kShownTrials);
    observer_.OnProgress(progress, running, now);
    desk_.Show(progress, running);
  }
}

void Coordinator::KeepBackup() {
  backed_up_ = Clock().monotonic;
  if (!changed_since_backup_) return;
  BackupMade made;
  try {
    OnDisk([&] { made.marks = store_.Backup(); });
  } catch (const std::exception& problem) {
    SayToAll(fmt::format(
        "no backup of the database was made, and what runs goes on: {}; it is tried "
        "again in {} min",
        problem.what(), std::chrono::duration_cast<std::chrono::minutes>(kBackupEvery).count()));
    return;
  }
  changed_since_backup_ = false;
  Apply(made);
  Settle();
}

// NAME or NAME@ID; empty: the newest. Nothing where no such sweep is open here.
SweepId Coordinator::FindOpen(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  const std::optional<SweepAddress> address = ParseSweepAddress(name);
  SweepId sweep;
  for (const SweepAddress& known : core_.Sweeps()) {
    const bool is_meant = address ? known == *address : name.empty();
    if (is_meant) sweep = std::max(sweep, known.id);
  }
  return sweep;
}

// As the store knows it, open here or not.
std::optional<SweepHistory> Coordinator::LoadNamed(const std::string& name) const {
  if (std::optional<SweepHistory> newest = store_.Load(name)) return newest;
  const std::optional<SweepAddress> address = ParseSweepAddress(name);
  std::optional<SweepHistory> history = address ? store_.Load(address->id) : std::nullopt;
  return history && history->name == address->name ? std::move(history) : std::nullopt;
}

// One that has ended is opened as it is: only an act that reopens it lets it go on.
SweepId Coordinator::Named(const std::string& name) {
  if (const SweepId open = FindOpen(name)) return open;
  std::optional<SweepHistory> history = LoadNamed(name);
  if (!history) return {};
  RefuseOutside(*history);
  SweepOpened opened;
  opened.spec = SpecFromJson(ParseJson(history->spec_json, "spec in the store"));
  opened.spec_text = history->spec_text;
  opened.history = std::move(history);
  opened.may_launch = false;
  return Enter(std::move(opened));
}

}  // namespace ddl
