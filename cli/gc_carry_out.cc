// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <utility>

#include "cli/gc.h"

namespace ddl {

namespace {

enum class StepEnd : std::uint8_t { kDone, kLeft, kRefused };

// Asked of a connection of its own: a rebuild may have put another file in the old one's place.
bool MayGo(const GcStep& step, const std::string& store_folder) {
  const auto trial = StoreReader::Open(store_folder).Trial(step.sweep, step.number);
  return trial && trial->id == step.trial && IsEnded(trial->state);
}

StepEnd EndOf(RemovalEnd end) {
  switch (end) {
    case RemovalEnd::kDone:
      return StepEnd::kDone;
    case RemovalEnd::kGone:
      return StepEnd::kLeft;
    case RemovalEnd::kRefused:
      return StepEnd::kRefused;
  }
  return StepEnd::kRefused;
}

StepEnd Remove(const GcStep& step, GcPlace& place, const std::string& store_folder) {
  const std::string folder = FolderOfStep(step);
  if (!MayGo(step, store_folder)) return StepEnd::kLeft;
  const RemovalEnd aside = place.SetAside(folder);
  if (aside != RemovalEnd::kDone) return EndOf(aside);
  if (MayGo(step, store_folder)) return EndOf(place.RemoveAside(folder));
  if (place.PutBack(folder) == RemovalEnd::kDone) return StepEnd::kLeft;
  return EndOf(place.RemoveAside(folder));
}

std::int64_t BytesOf(const GcPlace& place, const std::string& folder) {
  const auto facts = place.LookAt(folder);
  return facts ? facts->size.bytes : 0;
}

}  // namespace

std::string JobName(RankId rank) {
  return "jobs/" + std::to_string(rank.job.value) + "." + std::to_string(rank.rank);
}

std::string CheckpointsName(TrialId trial) {
  return "checkpoints/" + HostPaths::CheckpointName(trial);
}

std::string FolderOfStep(const GcStep& step) {
  if (step.action == GcAction::kRemoveCheckpoints) return CheckpointsName(step.trial);
  return JobName(step.rank.value());
}

GcResult CarryOut(const std::vector<GcStep>& steps, GcPlace& place,
                  const std::string& store_folder) {
  GcResult result;
  for (const GcStep& step : steps) {
    const std::string folder = FolderOfStep(step);
    const std::int64_t before = BytesOf(place, folder);
    const StepEnd end = step.action == GcAction::kCompressLogs ? EndOf(place.CompressLogs(folder))
                                                               : Remove(step, place, store_folder);
    result.done += end == StepEnd::kDone ? 1 : 0;
    result.left += end == StepEnd::kLeft ? 1 : 0;
    result.refused += end == StepEnd::kRefused ? 1 : 0;
    if (end == StepEnd::kDone) {
      result.freed_bytes += std::max<std::int64_t>(0, before - BytesOf(place, folder));
    }
  }
  return result;
}

}  // namespace ddl
