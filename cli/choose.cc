// SPDX-License-Identifier: Apache-2.0
#include "cli/choose.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/sweep_json.h"
#include "cli/terminal.h"
#include "cli/trial_name.h"
#include "configs/error.h"
#include "store/sweep_address.h"

namespace ddl {

namespace {

Error UnknownSweep(std::string_view name, const std::vector<SweepLine>& sweeps) {
  std::vector<std::string> known;
  known.reserve(sweeps.size());
  for (const SweepLine& sweep : sweeps) {
    known.push_back(sweep.Address());
  }
  const std::string nearest = NearestName(name, known);
  return {fmt::format("there is no sweep \"{}\" in this store", OneLine(name)), "",
          nearest.empty() ? "`ddl status` lists the sweeps"
                          : fmt::format("did you mean \"{}\"?", OneLine(nearest))};
}

Error UnknownTrial(const SweepLine& sweep, std::int64_t number) {
  return {fmt::format("sweep \"{}\" has no trial {}", OneLine(sweep.name), number), "",
          sweep.trials_planned > 0 ? fmt::format("its trials are 1 to {}", sweep.trials_planned)
                                   : std::string("`ddl report` lists its trials")};
}

}  // namespace

SweepLine ChooseSweep(const StoreReader& reader, std::string_view name) {
  std::vector<SweepLine> sweeps = reader.Sweeps();
  if (!name.empty()) {
    auto found = std::ranges::find(sweeps, name, &SweepLine::name);
    if (const auto address = ParseSweepAddress(name); found == sweeps.end() && address) {
      found = std::ranges::find_if(sweeps, [&](const SweepLine& sweep) {
        return sweep.name == address->name && sweep.id == address->id;
      });
    }
    if (found == sweeps.end()) throw UnknownSweep(name, sweeps);
    return std::move(*found);
  }
  if (sweeps.empty()) {
    throw Error("there is no sweep in this store yet", "", "begin one with: ddl sweep SPEC.yaml");
  }
  return std::move(sweeps.front());
}

ChosenTrial ChooseTrial(const StoreReader& reader, std::string_view text) {
  const TrialName name = ParseTrialName(text);
  SweepLine sweep = ChooseSweep(reader, name.sweep);
  if (auto trial = reader.Trial(sweep.id, name.number)) {
    return {std::move(sweep), *std::move(trial)};
  }
  if (name.number > sweep.trials_planned) throw UnknownTrial(sweep, name.number);
  TrialLine waiting;
  waiting.number = name.number;
  return {std::move(sweep), std::move(waiting)};
}

}  // namespace ddl
