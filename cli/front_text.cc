// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/format.h"
#include "cli/front.h"
#include "cli/pieces.h"
#include "cli/plot.h"
#include "cli/sweep_json.h"

namespace ddl {

namespace {

constexpr int kPlotRows = 6;
constexpr double kNearlyAll = 0.95;

double BestOfObjective(const Front& front, std::size_t objective) {
  const auto value = [objective](const FrontMember& member) { return member.values[objective]; };
  const auto [least, most] = std::ranges::minmax(front.members, {}, value);
  return front.objectives[objective].maximize ? value(most) : value(least);
}

std::string WhatFinished(const Front& front, std::int64_t count) {
  const char* const one = front.seeds > 1 ? "configuration" : "trial";
  return fmt::format("{} {}{}", FormatCount(count), one, count == 1 ? "" : "s");
}

// After how many it had that share of what it has now.
std::int64_t ReachedAfter(const FrontGrowth& growth, double share) {
  const double wanted = share * growth.steps.back().volume;
  const auto step = std::ranges::lower_bound(growth.steps, wanted, {}, &FrontGrowth::Step::volume);
  return step == growth.steps.end() ? growth.steps.back().finished : step->finished;
}

std::string ReferenceText(const Front& front, const FrontGrowth& growth) {
  std::string text;
  for (std::size_t i = 0; i < front.objectives.size(); ++i) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", OneLine(front.objectives[i].name),
                        FormatValue(growth.reference[i]));
  }
  return text;
}

Lines GrowthPlot(const Front& front, const FrontGrowth& growth, const Terminal& terminal) {
  Series series{.label = "", .points = {}};
  double before = 0;
  for (const FrontGrowth::Step& step : growth.steps) {
    const auto at = static_cast<double>(step.finished);
    if (step.finished > 1) series.points.push_back({at - 1, before});
    series.points.push_back({at, step.volume});
    before = step.volume;
  }
  const auto last = static_cast<double>(front.finished);
  if (series.points.back().x < last) series.points.push_back({last, before});
  if (series.points.size() < 3) return {};
  return PlotLines(std::vector{series},
                   {.rows = kPlotRows,
                    .x_label = front.seeds > 1 ? "configurations" : "finished trials",
                    .y_label = ""},
                   terminal);
}

Lines Wrapped(const std::string& text, const Terminal& terminal) {
  return WrapPieces(WordsOf(text), " ", 0, terminal);
}

}  // namespace

std::string FrontText(const Front& front) {
  if (front.members.empty()) return {};
  std::string text = fmt::format("front of {}: best", FormatCount(std::ssize(front.members)));
  for (std::size_t i = 0; i < front.objectives.size(); ++i) {
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", OneLine(front.objectives[i].name),
                        FormatValue(BestOfObjective(front, i)));
  }
  return text;
}

std::vector<std::string> FrontLines(const Front& front, std::size_t shown,
                                    const Terminal& terminal) {
  if (front.members.empty()) {
    return Wrapped("nothing has finished with a value of every objective yet", terminal);
  }
  const auto all = std::ssize(front.members);
  std::string text =
      fmt::format("{} of {}: none is better in one objective without being worse in another",
                  FormatCount(all), WhatFinished(front, front.finished));
  if (static_cast<std::int64_t>(shown) < all) {
    text += fmt::format("; {} of them are shown, all by -n {}", shown, all);
  }
  return Wrapped(text, terminal);
}

std::vector<std::string> GrowthLines(const Front& front, const FrontGrowth& growth,
                                     const Terminal& terminal) {
  if (!growth.is_known) {
    return Wrapped("not computed: with so many objectives and so large a front it would take long",
                   terminal);
  }
  Lines lines;
  std::string text = "0: nothing is better than the reference";
  if (!growth.steps.empty()) {
    lines = GrowthPlot(front, growth, terminal);
    text = fmt::format("{} after {}; half of it after {}, {:.0f} % after {}",
                       FormatValue(growth.steps.back().volume), WhatFinished(front, front.finished),
                       FormatCount(ReachedAfter(growth, 0.5)), 100 * kNearlyAll,
                       FormatCount(ReachedAfter(growth, kNearlyAll)));
  }
  std::ranges::move(Wrapped(text, terminal), std::back_inserter(lines));
  text = "reference: " + ReferenceText(front, growth);
  if (!growth.is_given) {
    text +=
        " (the worst of the front and a tenth of its range; to compare sweeps give one: "
        "--reference)";
  }
  std::ranges::move(Wrapped(text, terminal), std::back_inserter(lines));
  return lines;
}

Json FrontJson(const Front& front, const std::vector<FrontMember>& shown) {
  Json members = Json::array();
  for (const FrontMember& member : shown) {
    members.push_back({{"trial", member.first_trial},
                       {"configuration", member.configuration},
                       {"seeds", member.seeds},
                       {"values", member.values},
                       {"parameters", ParametersOf(member.params_json)}});
  }
  return {{"finished", front.finished},
          {"size", front.members.size()},
          {"members", std::move(members)}};
}

Json GrowthJson(const FrontGrowth& growth) {
  Json steps = Json::array();
  for (const FrontGrowth::Step& step : growth.steps) {
    steps.push_back({{"finished", step.finished}, {"value", step.volume}});
  }
  Json value = growth.steps.empty() ? Json(0.0) : Json(growth.steps.back().volume);
  return {{"reference", growth.reference},
          {"value", growth.is_known ? std::move(value) : Json(nullptr)},
          {"steps", growth.is_known ? std::move(steps) : Json(nullptr)}};
}

}  // namespace ddl
