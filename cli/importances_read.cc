// SPDX-License-Identifier: Apache-2.0
// What a sweep's importances are made of.
#include <algorithm>
#include <numeric>
#include <utility>

#include "cli/importances.h"
#include "cli/knowledge/resample.h"
#include "cli/sweep_json.h"

namespace ddl {

namespace {

// All of them, or as many as may be needed to find kMostConfigurations finished ones, drawn evenly.
std::vector<std::int64_t> Candidates(std::int64_t configurations) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(configurations));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  if (all.size() <= kMostConfigurations) return all;
  const std::size_t wanted = std::min(all.size(), 4 * kMostConfigurations);
  const std::uint64_t key = StreamKey(0, all.size());
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(all[i], all[i + DrawBelow(all.size() - i, key, i)]);
  }
  all.resize(wanted);
  return all;
}

}  // namespace

std::optional<Importances> ReadImportances(const StoreReader& reader, const SweepLine& sweep,
                                           const SweepSpec& spec) {
  if (sweep.metric.empty()) return std::nullopt;
  std::int64_t trials = 0;
  for (const auto& [state, count] : sweep.counts.by_state) {
    trials += count;
  }
  const std::int64_t configurations = (trials + spec.seeds - 1) / spec.seeds;
  std::vector<ConfigurationValue> all;
  for (const FinishedConfiguration& one :
       reader.Finished(sweep.id, Candidates(configurations), spec.seeds, kMostConfigurations)) {
    double mean = 0;
    for (const auto& [seed, value] : one.values) {
      mean += value / static_cast<double>(one.values.size());
    }
    all.push_back({ParametersOf(one.params_json), mean});
  }
  return ImportancesOf(spec.space, sweep.maximize, all);
}

}  // namespace ddl
