// SPDX-License-Identifier: Apache-2.0
#include "cli/conduct.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/attempt_text.h"
#include "cli/background.h"
#include "cli/choose.h"
#include "cli/executables.h"
#include "cli/holder_wait.h"
#include "cli/output.h"
#include "cli/results_keeper.h"
#include "cli/screen.h"
#include "cli/viewer.h"
#include "configs/error.h"
#include "configs/ssh_address.h"
#include "runner/control_client.h"
#include "scheduler/coordinator.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr int kExitInterrupted = 130;
// For hosts that do not answer any more once all trials have ended.
constexpr std::chrono::seconds kResultsPatience{60};
constexpr std::chrono::seconds kHolderLeaves{5};

// Shows the one sweep that this process was started for; brings back the results of all.
class ForegroundObserver : public CoordinatorObserver {
 public:
  ForegroundObserver(ScreenKind kind, std::string store_folder)
      : screen_(kind), store_folder_(std::move(store_folder)) {}

  void OnProgress(const SweepProgress& progress, const std::vector<RunningTrial>& running,
                  Now now) override {
    if (progress.is_remote && kept_.insert(progress.id).second) Keep(progress.id);
    if (progress.id == sweep_) screen_.Show(progress, running, now);
  }
  void OnSay(SweepId sweep, const std::string& text) override {
    if (!sweep || sweep == sweep_) screen_.Say(text);
  }
  void OnHangUp() override {
    screen_.Silence();
    SendOutputTo("/dev/null");
  }

  void Follow(SweepId sweep) { sweep_ = sweep; }
  void Keep(SweepId sweep) {
    if (!keeper_) keeper_.emplace(store_folder_);
    keeper_->Keep(sweep);
  }
  // After the trials. Nothing to be asked for where all ran here.
  [[nodiscard]] LoopEnd BringResults(Coordinator& coordinator) {
    if (!keeper_) return LoopEnd::kAllEnded;
    screen_.Clear();
    keeper_->Finish(kResultsPatience);
    bool are_coming = true;
    return coordinator.RunWhile([&] {
      for (const ResultsKeeper::Note& note : keeper_->Next(std::chrono::milliseconds(0))) {
        if (note.is_end) are_coming = false;
        if (!note.text.empty()) screen_.Say(note.text);
      }
      return are_coming;
    });
  }
  [[nodiscard]] SweepScreen& Screen() { return screen_; }

 private:
  SweepScreen screen_;
  std::string store_folder_;
  SweepId sweep_;
  std::set<SweepId> kept_;
  std::optional<ResultsKeeper> keeper_;
};

void SayInterrupted(const Coordinator& coordinator, SweepId sweep, SweepScreen& screen) {
  screen.Clear();
  for (const SweepProgress& progress : coordinator.Progress()) {
    if (progress.id != sweep) continue;
    const std::int64_t live = progress.launching + progress.running + progress.stopping;
    PrintAside(
        fmt::format("Interrupted. {} trial{} of {} go{} on without us.\n"
                    "  go on with the sweep:  the same command again\n"
                    "  stop its trials:       ddl stop {}\n",
                    live, live == 1 ? "" : "s", progress.name, live == 1 ? "es" : "",
                    ShellWord(progress.name)));
  }
}

int ConductHere(const SweepRequest& request, const ConductOptions& options,
                const std::function<void()>& ready) {
  ScreenKind kind = ChooseScreen(options.json, options.quiet);
  if (options.detach && kind == ScreenKind::kLive) kind = ScreenKind::kPlain;  // it goes to a file
  ForegroundObserver observer(kind, options.store_folder);
  Coordinator coordinator({options.store_folder, SiblingExecutable("ddl-agent"),
                           SiblingPath("ddl-trainer"), options.take_over},
                          Store::Open(options.store_folder), observer);
  const OpenedSweep opened = coordinator.Open(request);
  observer.Follow(opened.sweep);
  ready();
  if (opened.is_over) {
    // A kill after the last trial's end leaves them there.
    if (std::ranges::any_of(request.spec.hosts, IsSshHost)) observer.Keep(opened.sweep);
    (void)observer.BringResults(coordinator);
    observer.Screen().End(opened.outcome, "nothing to do: this sweep has ended before");
    return ExitCodeOf(opened.outcome);
  }
  LoopEnd end = LoopEnd::kAllEnded;
  do {
    end = coordinator.Run();
    if (end == LoopEnd::kAllEnded) end = observer.BringResults(coordinator);
  } while (end == LoopEnd::kAllEnded && !coordinator.AllSweepsEnded());
  if (end == LoopEnd::kInterrupted && !coordinator.Ended().contains(opened.sweep)) {
    SayInterrupted(coordinator, opened.sweep, observer.Screen());
    return kExitInterrupted;
  }
  const SweepEnded& ended = coordinator.Ended().at(opened.sweep);
  observer.Screen().End(ended.outcome, ended.reason, coordinator.LongestTurn());
  return ExitCodeOf(ended.outcome);
}

int SayBegun(const BackgroundWork& begun, const std::string& sweep, bool json) {
  if (json) {
    PrintText(DumpJson({{"pid", begun.pid}, {"log", begun.log}}) + "\n");
    return 0;
  }
  const std::string name = ShellWord(sweep);
  PrintText(
      fmt::format("The sweep runs in the background (pid {}); its output goes to {}.\n"
                  "  look at it:  ddl watch {}\n  stop it:     ddl stop {}\n",
                  begun.pid, begun.log, name, name));
  return 0;
}

// To a coordinator that runs already. Where its output goes is not known here.
void SayHandedOver(const std::string& folder, bool json) {
  constexpr std::string_view kBefore = "pid ";
  const std::string holder = StoreLock::Holder(folder);  // "pid 4711, …"
  if (!json) {
    PrintText(fmt::format("The sweep runs in the coordinator of this store ({}).\n", holder));
    return;
  }
  pid_t pid = 0;
  if (holder.starts_with(kBefore)) {
    (void)std::from_chars(holder.data() + kBefore.size(), holder.data() + holder.size(), pid);
  }
  const bool is_there = pid > 0 && ::kill(pid, 0) == 0;
  PrintText(DumpJson({{"pid", is_there ? Json(pid) : Json(nullptr)}, {"log", nullptr}}) + "\n");
}

}  // namespace

std::string StoreToConduct(const std::string& explicit_folder) {
  ClaimedStore claimed = ClaimStoreFolder(explicit_folder);
  if (!claimed.notice.empty()) PrintAside(fmt::format("note: {}\n", claimed.notice));
  return std::move(claimed.folder);
}

int Conduct(SweepRequest request, const ConductOptions& options) {
  const std::string& folder = options.store_folder;
  HolderWait wait(folder, kHolderLeaves);
  while (true) {
    if (std::optional<StoreLock> lock = StoreLock::TryTake(folder)) {
      if (!options.detach) return ConductHere(request, options, [] {});
      // The lock belongs to the open file and so goes on in the child.
      const BackgroundWork begun = InBackground(folder, [&](const std::function<void()>& ready) {
        return ConductHere(request, options, ready);
      });
      return SayBegun(begun, request.spec.name, options.json);
    }
    std::optional<ControlClient> client = ControlClient::Connect(folder);
    if (!client) {
      wait.Pause();
      continue;
    }
    const ScreenKind kind =
        options.detach ? ScreenKind::kQuiet : ChooseScreen(options.json, options.quiet);
    const std::optional<int> code = View(*client, OpenWord{request}, kind, options.detach);
    if (code == 0 && options.detach) SayHandedOver(folder, options.json);
    if (code) return *code;
    // The coordinator went: whoever gets the lock goes on. What was begun is not begun again.
    request.begin_new = false;
    wait.BeginAgain();
  }
}

int WatchSweep(const std::string& sweep, const ConductOptions& options) {
  const ScreenKind kind = ChooseScreen(options.json, options.quiet);
  if (auto client = ControlClient::Connect(options.store_folder)) {
    const std::optional<int> code = View(*client, WatchWord{sweep}, kind, false);
    if (code) return *code;
  }
  // Nobody conducts it, or not any more: the store knows how it ended.
  const SweepLine known = ChooseSweep(StoreReader::Open(options.store_folder), sweep);
  if (known.state == SweepState::kRunning) {
    throw Error("no coordinator runs for this sweep", known.name,
                "start or go on with it by ddl sweep, or look at ddl status",
                ErrorKind::kInfrastructure);
  }
  SweepScreen(kind).End(known.outcome, known.reason);
  return ExitCodeOf(known.outcome);
}

}  // namespace ddl
