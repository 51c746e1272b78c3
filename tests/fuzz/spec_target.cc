// SPDX-License-Identifier: Apache-2.0
// A spec that is read resolves to JSON that reads back to the same, and its space can be drawn
// from: complete and allowed configurations, finite numbers within their bounds. The lines after
// one that is "\x01" are KEY=VALUE words of the command line.
#include <cmath>
#include <ctime>
#include <vector>

#include "configs/allowed_sampling.h"
#include "configs/conditions.h"
#include "configs/error.h"
#include "configs/grid.h"
#include "configs/initial_points.h"
#include "configs/spec_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace ddl;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool HasBounds(Distribution distribution) {
  return distribution == Distribution::kUniform || distribution == Distribution::kIntUniform ||
         distribution == Distribution::kLogUniformValues ||
         distribution == Distribution::kInvLogUniformValues;
}

void CheckPoint(const SweepSpec& spec, const Conditions& conditions, const Configuration& point) {
  Promise(conditions.Complete(point) == point, "what is complete stays as it is");
  Promise(conditions.Allows(point), "what is proposed is allowed");
  for (const Parameter& parameter : spec.space) {
    const auto value = point.find(parameter.Name());
    Promise(value != point.end() || !parameter.when.empty() || !parameter.expr.empty(),
            "what has no condition is there");
    if (value == point.end() || !parameter.values.empty()) continue;
    Promise(value->is_number() && std::isfinite(value->get<double>()), "what is drawn is finite");
    if (!HasBounds(parameter.distribution)) continue;
    Promise(value->get<double>() >= parameter.min && value->get<double>() <= parameter.max,
            "what is drawn lies within its bounds");
  }
}

void CheckSpec(const SweepSpec& spec) {
  const Json resolved = ResolvedSpec(spec);
  const std::string text = DumpJson(resolved);
  const Json again = ResolvedSpec(SpecFromJson(ParseJson(text, "resolved")));
  Promise(DumpJson(again) == text, "a resolved spec reads back to the same");
  const Conditions conditions(spec.space, spec.constraints);
  for (const Configuration& point : InitialPoints(spec))
    CheckPoint(spec, conditions, point);
  Promise(InitialPoints(spec).size() == spec.initial_points.size(), "each point is complete");
  if (spec.method == Method::kGrid) {
    const Grid grid(spec.space, spec.constraints);
    const std::optional<std::int64_t> size = grid.Size();
    Promise(spec.run_cap || (size.has_value() && *size > 0), "a grid that is read has points");
    for (const std::int64_t index : {std::int64_t{0}, size.value_or(1) - 1}) {
      CheckPoint(spec, conditions, grid.Point(index));
      Promise(!size || grid.IndexOf(grid.Point(index)) == index, "a point has its index");
    }
  } else {
    for (std::int64_t index = 0; index < 3; ++index) {
      const auto point = SampleAllowed(spec.space, conditions, spec.search_seed, index);
      if (point) CheckPoint(spec, conditions, *point);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text = AsText(bytes, size);
  ReadOptions options{.file_name = "fuzz.yaml", .base_folder = "/", .overrides = {}};
  if (const std::size_t words = text.find("\n\x01\n"); words != std::string_view::npos) {
    std::string_view rest = text.substr(words + 3);
    text = text.substr(0, words + 1);
    while (!rest.empty() && options.overrides.size() < 8) {
      options.overrides.emplace_back(TakePiece(rest, std::min(rest.find('\n'), rest.size())));
      (void)TakeByte(rest);
    }
  }
  const double begin = CpuSeconds();
  std::optional<SweepSpec> spec;
  try {
    spec = ReadSpec(text, options).spec;
  } catch (const Error&) {
  }
  // 50 ms are promised; sanitizers take some ten times as long.
  Promise(CpuSeconds() - begin < 0.5, "any spec is read or refused in a moment");
  if (spec) CheckSpec(*spec);
  return 0;
}
