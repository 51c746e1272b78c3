// SPDX-License-Identifier: Apache-2.0
#include "trainer/paced_checkpoints.h"

namespace ddl {

PacedCheckpoints::PacedCheckpoints(const std::filesystem::path& folder,
                                   const CheckpointSettings& settings)
    : folder_(folder, settings.keep_last),
      apart_(settings.min_interval_s),
      latest_(std::chrono::steady_clock::now()) {}

bool PacedCheckpoints::IsTime() const {
  return std::chrono::steady_clock::now() - latest_ >= apart_;
}

void PacedCheckpoints::Offer(const CheckpointHeader& header, std::span<const float> state,
                             bool is_best) {
  if (IsTime()) return Write(header, state, is_best);
  if (is_best) best_ = {header, {state.begin(), state.end()}};
}

void PacedCheckpoints::Write(const CheckpointHeader& header, std::span<const float> state,
                             bool is_best) {
  if (is_best) best_.reset();
  Finish();
  folder_.Save(header, state, is_best);
  latest_ = std::chrono::steady_clock::now();
}

void PacedCheckpoints::Finish() {
  if (!best_) return;
  folder_.Save(best_->header, best_->state, true);
  best_.reset();
}

}  // namespace ddl
