// SPDX-License-Identifier: Apache-2.0
// A sweep as a JUnit XML report for CI systems: one test case a trial.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/reader.h"

namespace ddl {

// A trial as a test case: passed when finished, failed, or skipped (pruned, canceled, not ended).
struct JunitCase {
  TrialLine trial;
  bool infrastructure = false;  // failed through no fault of its own: <error>, not <failure>
  std::string log_tail;         // of a failed one; may hold anything
};

// Times are seconds of the trial's last attempt.
[[nodiscard]] std::string JunitText(const SweepLine& sweep, const std::vector<JunitCase>& cases);

// Text for XML 1.0: markup escaped; bytes that are no UTF-8 and characters that XML forbids are
// replaced by U+FFFD.
[[nodiscard]] std::string XmlText(std::string_view text);

}  // namespace ddl
