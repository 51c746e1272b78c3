// SPDX-License-Identifier: Apache-2.0
// ddl ask and ddl tell: a program that runs its own trials is told what to try, and tells what came
// of it.
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/conduct.h"
#include "cli/output.h"
#include "cli/program_check.h"
#include "cli/provenance.h"
#include "cli/warm_start.h"
#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "runner/control_client.h"
#include "scheduler/outside.h"
#include "store/location.h"

namespace ddl {

namespace {

constexpr int kExitNothingLeft = 4;

std::int64_t UnixMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// Others that ask or tell hold it for some milliseconds: waited for. A coordinator holds it for as
// long as it lives.
StoreLock LockForAMoment(const std::string& folder) {
  constexpr std::chrono::seconds kPatience{30};
  constexpr std::chrono::milliseconds kPause{5};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (std::optional<StoreLock> lock = StoreLock::TryTake(folder)) return *std::move(lock);
    const bool is_conducted = ControlClient::Connect(folder).has_value();
    if (is_conducted || std::chrono::steady_clock::now() > until) {
      throw Error(fmt::format("the store is in use by {}", StoreLock::Holder(folder)), folder,
                  is_conducted ? "let its sweeps end or interrupt it (their trials go on), or use "
                                 "another store by --store"
                               : "wait for it, or end that process",
                  ErrorKind::kInfrastructure);
    }
    std::this_thread::sleep_for(kPause);
  }
}

void SayNotes(const SpecReading& reading) {
  for (const std::string& note : reading.notes) {
    fmt::print(stderr, "note: {}\n", note);
  }
  const Limits& limits = reading.spec.limits;
  if (limits.wall_h || limits.gpu_h || limits.epochs || reading.spec.early_terminate) {
    fmt::print(stderr,
               "note: limits, early_terminate: without meaning for trials that run outside, "
               "ignored\n");
  }
}

Json JsonOf(const AskedOutside& asked, const std::string& sweep) {
  Json trials = Json::array();
  for (const OutsideTrial& trial : asked.trials) {
    trials.push_back({{"number", trial.number},
                      {"configuration", trial.configuration},
                      {"seed", trial.seed},
                      {"parameters", trial.parameters}});
  }
  return {{"sweep", sweep}, {"trials", std::move(trials)}, {"end", asked.end}};
}

}  // namespace

int RunAskCommand(const AskOptions& options) {
  const SpecReading reading = ReadSpecFile(options.spec_file, options.overrides, true);
  CheckSearchProgram(reading.spec, {options.spec_file, reading.text, options.overrides});
  const std::string folder = StoreToConduct(options.common.store);
  const StoreLock lock = LockForAMoment(folder);
  Store store = Store::Open(folder);
  SweepRequest request{.spec = reading.spec, .spec_text = reading.text, .provenance_json = {}};
  request.begin_new = options.begin_new;
  // What only the first ask of a sweep keeps and says.
  if (options.begin_new || !store.Load(reading.spec.name)) {
    request.provenance_json = ProvenanceJson(reading.spec.workdir);
    SayNotes(reading);
    PrepareWarmStart(request, folder);
  }
  const AskedOutside asked = AskOutside(store, request, options.count, UnixMilliseconds());
  if (!asked.note.empty()) fmt::print(stderr, "note: {}\n", asked.note);
  if (options.common.json) {
    PrintJson(JsonOf(asked, reading.spec.name));
  } else {
    for (const OutsideTrial& trial : asked.trials) {
      PrintText(fmt::format("{} {}\n", trial.number, DumpJson(trial.parameters)));
    }
    if (!asked.end.empty()) fmt::print(stderr, "{}\n", asked.end);
  }
  return asked.trials.empty() ? kExitNothingLeft : 0;
}

int RunTellCommand(const TellOptions& options) {
  const std::string folder = FindStoreFolder(options.common.store);
  const StoreLock lock = LockForAMoment(folder);
  Store store = Store::Open(folder);
  const ToldOutside told = TellOutside(store,
                                       {.sweep = options.sweep,
                                        .number = options.number,
                                        .values = options.values,
                                        .has_failed = options.has_failed},
                                       UnixMilliseconds());
  if (options.common.json) {
    PrintJson({{"sweep", options.sweep},
               {"number", options.number},
               {"state", options.has_failed ? "failed" : "finished"},
               {"end", told.reason}});
  } else if (told.ends_sweep) {
    PrintText(told.reason + "\n");
  }
  return 0;
}

}  // namespace ddl
