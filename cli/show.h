// SPDX-License-Identifier: Apache-2.0
// Everything about one trial, or what happened in a sweep: read once, shown as text or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/choose.h"
#include "cli/front.h"
#include "cli/terminal.h"
#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

struct MetricCurve {
  std::string metric;
  std::vector<CurvePoint> points;
};

struct TrialView {
  SweepLine sweep;
  TrialLine trial;
  std::vector<AttemptLine> attempts;
  std::vector<std::string> folders_gone;  // why, an attempt; "": its folder is there
  std::vector<MetricSummary> metrics;
  std::vector<MetricCurve> curves;  // the sweep's metric first
  std::vector<EventLine> events;
  std::int64_t parent = 0;  // the trial from whose checkpoint it goes on; 0: it began anew
  // Of an ended trial that ran on another host: where they are here; "" before they have come.
  std::optional<std::string> results = std::nullopt;
  Json provenance;  // of the sweep; null when there is none
};

// Curves of the sweep's metric, or of the trial's first few.
[[nodiscard]] TrialView ReadTrialView(const StoreReader& reader, ChosenTrial chosen);
[[nodiscard]] std::vector<std::string> ShowLines(const TrialView& view, const Terminal& terminal);
[[nodiscard]] Json ShowJson(const TrialView& view);

struct SweepView {
  SweepLine sweep;
  Fronts fronts;                  // its own, where it has one
  std::vector<EventLine> events;  // of the sweep and of its trials, the last ones, in order
  Json provenance;
};
[[nodiscard]] SweepView ReadSweepView(const StoreReader& reader, SweepLine sweep);
[[nodiscard]] std::vector<std::string> ShowLines(const SweepView& view, const Terminal& terminal);
[[nodiscard]] Json ShowJson(const SweepView& view);

}  // namespace ddl
