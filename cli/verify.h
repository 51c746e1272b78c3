// SPDX-License-Identifier: Apache-2.0
// ddl verify: a trial of the built-in trainer against a second run of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/choose.h"
#include "configs/json.h"

namespace ddl {

// By the metric's name and the step.
using MetricValues = std::map<std::string, std::map<std::int64_t, double>>;

struct RunRecord {
  MetricValues values;
  Json fingerprint;  // of the last checkpoint, as ddl-trainer --fingerprint tells; null: none
  std::map<std::string, std::string> surroundings;  // what the bits may depend on, by name
};

struct ValueDifference {
  std::string metric;
  std::int64_t step = 0;
  std::optional<double> then;
  std::optional<double> now;
};
struct SurroundingDifference {
  std::string name;
  std::string then;
  std::string now;
};

struct Verification {
  std::int64_t values = 0;                   // compared
  std::int64_t steps = 0;                    // the last step reported then
  std::vector<ValueDifference> differences;  // the earliest step first
  std::optional<bool> same_weights;          // nullopt: no checkpoint is left to compare with
  std::string weights;                       // of the second run
  std::vector<SurroundingDifference> surroundings;

  [[nodiscard]] bool IsSame() const { return differences.empty() && same_weights.value_or(true); }
};

// Of the clock, not of the training: never compared.
[[nodiscard]] bool IsOfTheClock(const std::string& metric);

// Bit for bit; two values that are no numbers are the same.
[[nodiscard]] Verification Compare(const RunRecord& then, const RunRecord& now);

[[nodiscard]] std::vector<std::string> VerificationLines(const ChosenTrial& trial,
                                                         const Verification& verification);
[[nodiscard]] Json VerificationJson(const ChosenTrial& trial, const Verification& verification);

}  // namespace ddl
