// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/gc.h"
#include "cli/gc_code.h"
#include "cli/gc_copies.h"
#include "cli/output.h"
#include "configs/error.h"
#include "runner/host_facts.h"
#include "runner/host_folder.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr int kExitRefused = 3;

HostPaths PathsOf(const StoreReader& reader) {
  HostPaths paths{DefaultHostFolder(), reader.Id(), {}};
  const std::string problem = WhyNotOurs(paths, ReadHostFacts().machine_id);
  if (problem.empty()) return paths;
  throw Error(problem, paths.host_folder, "run ddl gc on that machine, or set DDL_HOST_DIR",
              ErrorKind::kInfrastructure);
}

bool CanAskToRemove(const GcOptions& options) {
  return !options.common.json && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool SaysYes() {
  fmt::print(stderr, "Do it? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void PrintResult(const GcResult& result) {
  PrintText(fmt::format("{} folders done, {} freed\n", FormatCount(result.done),
                        FormatBytes(result.freed_bytes)));
  if (result.left > 0) {
    PrintText(fmt::format("{} were left: their trials go on again\n", FormatCount(result.left)));
  }
  if (result.refused > 0) {
    PrintText(fmt::format("{} were refused by the disk; ddl gc again goes on with them\n",
                          FormatCount(result.refused)));
  }
}

Json ResultJson(const GcResult& result) {
  return {{"folders", result.done},
          {"freed_bytes", result.freed_bytes},
          {"left", result.left},
          {"refused", result.refused}};
}

std::int64_t NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void PrintCode(const UnusedCode& code) {
  if (code.Count() == 0) return;
  PrintText(fmt::format("code: {} snapshots that no recent sweep runs in{}, {}\n",
                        FormatCount(std::ssize(code.snapshots)),
                        code.fetched.empty() ? "" : ", and what was fetched of checkpoints",
                        FormatBytes(code.size.bytes)));
}

void PrintCopies(const LeftCopies& copies) {
  if (copies.folders.empty()) return;
  PrintText(fmt::format("checkpoints: {} copies that a kill left unfinished, {}\n",
                        FormatCount(std::ssize(copies.folders)), FormatBytes(copies.size.bytes)));
}

// One place, what would be done there, and what was.
struct GcWork {
  std::unique_ptr<GcPlace> place;
  PlaceThere* there = nullptr;  // the same, of a host
  GcFacts facts{};
  GcPlan plan{};
  UnusedCode code{};
  LeftCopies copies{};
  GcResult result{};

  [[nodiscard]] bool HasSteps() const {
    return !plan.steps.empty() || code.Count() > 0 || !copies.folders.empty();
  }
};

struct Unreachable {
  std::string host;
  SshProblem problem;
};

class GcRun {
 public:
  GcRun(const GcOptions& options, const StoreReader& reader, std::string store_folder)
      : options_(options), reader_(reader), store_folder_(std::move(store_folder)) {}

  void LookHere(const HostPaths& paths, bool may_do) {
    auto here = std::make_unique<PlaceHere>(paths);
    GcWork work{.copies = FindLeftCopies(*here, now_ms_)};
    work.place = std::move(here);
    const std::string busy = may_do ? work.place->BeginRemovals() : std::string();
    if (!busy.empty()) {
      throw Error(busy, paths.Store(), "wait for it, then try again", ErrorKind::kInfrastructure);
    }
    Look(work);
    work.facts.others = OtherStores(paths);
    work.code = FindUnusedCode(reader_, store_folder_, options_.keep_days, now_ms_);
    works_.push_back(std::move(work));
  }

  void LookThere(const std::string& address) {
    auto opened = PlaceThere::Open(address, reader_.Id());
    if (auto* problem = std::get_if<SshProblem>(&opened)) {
      unreachable_.push_back({address, std::move(*problem)});
      return;
    }
    auto& place = std::get<std::unique_ptr<PlaceThere>>(opened);
    GcWork work{.there = place.get()};
    work.place = std::move(place);
    Look(work);
    work.copies = FindLeftCopies(*work.there);
    work.code = FindUnusedCodeThere(reader_, *work.there, options_.keep_days, now_ms_);
    works_.push_back(std::move(work));
  }

  [[nodiscard]] bool HasWork() const { return std::ranges::any_of(works_, &GcWork::HasSteps); }

  void CarryOutAll() {
    for (GcWork& work : works_) {
      if (!work.HasSteps()) continue;
      if (work.there != nullptr) {
        if (const std::string busy = work.place->BeginRemovals(); !busy.empty()) {
          unreachable_.push_back({work.place->Host(), {busy, {}}});
          continue;
        }
      }
      work.result = CarryOut(work.plan.steps, *work.place, store_folder_);
      RemoveCode(work);
      RemoveCopies(work);
    }
  }

  void Print(std::size_t hosts_left_out) const {
    for (const GcWork& work : works_) {
      if (works_.size() > 1) PrintText(fmt::format("on {}:\n", OneLine(work.place->Host())));
      PrintLines(GcLines(work.plan, work.facts, DetectTerminal()));
      PrintCode(work.code);
      PrintCopies(work.copies);
      if (works_.size() > 1) PrintText("\n");
    }
    if (hosts_left_out > 0) {
      PrintText(fmt::format("trials ran on {} other host{} too: ddl gc --hosts\n", hosts_left_out,
                            hosts_left_out == 1 ? "" : "s"));
    }
  }
  void PrintUnreachable() const {
    for (const Unreachable& host : unreachable_) {
      fmt::print(stderr, "{}: {}{}{}\n", host.host, host.problem.reason,
                 host.problem.hint.empty() ? "" : "\n  ", host.problem.hint);
    }
  }

  [[nodiscard]] Json ToJson() const {
    Json json{{"steps", Json::array()},
              {"kept", Json::array()},
              {"other_stores", Json::array()},
              {"jobs_elsewhere", 0},
              {"code", Json::array()},
              {"unreachable", Json::array()},
              {"unfinished_copies", Json::array()}};
    for (const GcWork& work : works_) {
      const Json there = GcJson(work.plan, *work.place);
      for (const auto& [key, rows] : there.items()) {
        for (const Json& row : rows) {
          json[key].push_back(row);
        }
      }
      if (work.there == nullptr) {
        json["other_stores"] = OtherStoresJson(work.facts.others);
        json["jobs_elsewhere"] = work.facts.jobs_elsewhere;
      }
      for (const std::string& folder : work.copies.folders) {
        json["unfinished_copies"].push_back({{"host", work.place->Host()}, {"folder", folder}});
      }
      json["code"].push_back({{"host", work.place->Host()},
                              {"snapshots", work.code.snapshots},
                              {"fetched", work.code.fetched},
                              {"bytes", work.code.size.bytes}});
    }
    for (const Unreachable& host : unreachable_) {
      json["unreachable"].push_back(
          {{"host", host.host}, {"problem", host.problem.reason}, {"hint", host.problem.hint}});
    }
    return json;
  }

  [[nodiscard]] GcResult Result() const {
    GcResult all;
    for (const GcWork& work : works_) {
      all.done += work.result.done;
      all.left += work.result.left;
      all.refused += work.result.refused;
      all.freed_bytes += work.result.freed_bytes;
    }
    return all;
  }
  [[nodiscard]] bool HasReachedAll() const { return unreachable_.empty(); }

 private:
  void Look(GcWork& work) const {
    work.facts = ReadGcFacts(reader_, store_folder_, *work.place, options_.sweep);
    work.plan = PlanGc(work.facts.sweeps, {options_.keep_best, options_.keep_days, now_ms_});
  }

  void RemoveCode(GcWork& work) const {
    const std::int64_t found = work.code.Count();
    const std::int64_t removed = work.there == nullptr
                                     ? RemoveUnusedCode(work.code, store_folder_, NowMs())
                                     : RemoveUnusedCodeThere(work.code, *work.there, store_folder_,
                                                             options_.keep_days, now_ms_);
    work.result.done += removed;
    work.result.left += found - removed;
    if (removed == found) work.result.freed_bytes += work.code.size.bytes;
  }

  static void RemoveCopies(GcWork& work) {
    const std::int64_t removed = RemoveLeftCopies(work.copies, *work.place);
    work.result.done += removed;
    work.result.left += std::ssize(work.copies.folders) - removed;
    if (removed == std::ssize(work.copies.folders)) {
      work.result.freed_bytes += work.copies.size.bytes;
    }
  }

  const GcOptions& options_;
  const StoreReader& reader_;
  std::string store_folder_;
  std::int64_t now_ms_ = NowMs();
  std::vector<GcWork> works_;
  std::vector<Unreachable> unreachable_;
};

}  // namespace

int RunGcCommand(const GcOptions& options) {
  const std::string store_folder = FindStoreFolder(options.common.store);
  const StoreReader reader = StoreReader::Open(store_folder);
  const HostPaths paths = PathsOf(reader);
  const bool is_there = ::access(paths.Store().c_str(), F_OK) == 0;
  const bool may_do = options.yes || CanAskToRemove(options);
  const std::vector<std::string> others = OtherHosts(reader, options.sweep);
  GcRun run(options, reader, store_folder);
  run.LookHere(paths, may_do && is_there);
  for (const std::string& address : options.hosts ? others : std::vector<std::string>()) {
    run.LookThere(address);
  }
  if (!options.common.json) run.Print(options.hosts ? 0 : others.size());

  const bool does = may_do && run.HasWork() && (options.yes || SaysYes());
  if (does) run.CarryOutAll();
  const GcResult result = run.Result();
  if (options.common.json) {
    Json json = run.ToJson();
    json["done"] = does ? ResultJson(result) : Json(nullptr);
    PrintJson(json);
  } else {
    if (does) PrintResult(result);
    if (!does && run.HasWork()) PrintText("\nnothing was done; ddl gc --yes does it\n");
    run.PrintUnreachable();
  }
  return result.refused > 0 || !run.HasReachedAll() ? kExitRefused : 0;
}

}  // namespace ddl
