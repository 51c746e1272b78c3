// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include "cli/gc.h"
#include "runner/kept_log.h"
#include "runner/rank_record.h"

namespace ddl {

namespace {

enum class StepEnd : std::uint8_t { kDone, kLeft, kRefused };

// Asked of a connection of its own: a rebuild may have put another file in the old one's place.
bool MayGo(const GcStep& step, const std::string& store_folder) {
  const auto trial = StoreReader::Open(store_folder).Trial(step.sweep, step.number);
  return trial && trial->id == step.trial && IsEnded(trial->state);
}

StepEnd Remove(const GcStep& step, const HostPaths& paths, const std::string& store_folder) {
  const std::string folder = FolderOfStep(step);
  if (!MayGo(step, store_folder)) return StepEnd::kLeft;
  if (!SetAside(paths, folder)) return StepEnd::kRefused;
  if (MayGo(step, store_folder)) {
    return RemoveAside(paths, folder) ? StepEnd::kDone : StepEnd::kRefused;
  }
  if (PutBack(paths, folder)) return StepEnd::kLeft;
  return RemoveAside(paths, folder) ? StepEnd::kDone : StepEnd::kRefused;
}

StepEnd Compress(const GcStep& step, const HostPaths& paths) {
  assert(step.rank);
  const std::string folder = paths.Job(*step.rank);
  if (!IsSettled(folder)) return StepEnd::kLeft;
  return CompressLogs(folder) ? StepEnd::kDone : StepEnd::kRefused;
}

}  // namespace

std::string FolderOfStep(const GcStep& step) {
  if (step.action == GcAction::kRemoveCheckpoints) {
    return "checkpoints/" + HostPaths::CheckpointName(step.trial);
  }
  const RankId rank = step.rank.value();
  return "jobs/" + std::to_string(rank.job.value) + "." + std::to_string(rank.rank);
}

GcResult CarryOut(const std::vector<GcStep>& steps, const HostPaths& paths,
                  const std::string& store_folder) {
  GcResult result;
  for (const GcStep& step : steps) {
    const std::string path = paths.Store() + "/" + FolderOfStep(step);
    const std::int64_t before = SizeOf(path).bytes;
    const StepEnd end = step.action == GcAction::kCompressLogs ? Compress(step, paths)
                                                               : Remove(step, paths, store_folder);
    result.done += end == StepEnd::kDone ? 1 : 0;
    result.left += end == StepEnd::kLeft ? 1 : 0;
    result.refused += end == StepEnd::kRefused ? 1 : 0;
    if (end == StepEnd::kDone) {
      result.freed_bytes += std::max<std::int64_t>(0, before - SizeOf(path).bytes);
    }
  }
  return result;
}

}  // namespace ddl
