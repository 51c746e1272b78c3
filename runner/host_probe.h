// SPDX-License-Identifier: Apache-2.0
// Asks hosts what they have, all at the same time, each on a thread of its own that ends with the
// call. Over SSH the same session and agent as a sweep's, in the role that only looks.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "runner/host_report.h"

namespace ddl {

struct ProbeProblem {
  std::string reason;
  std::string hint;  // what the user can do; "": it may pass by itself
};
using ProbeAnswer = std::variant<HostReport, ProbeProblem>;

struct HostQuestion {
  std::string address;  // "local" or ssh://…
  LibraryQuestion libraries;
};

// One answer a host, in their order, each within `patience`.
[[nodiscard]] std::vector<ProbeAnswer> ProbeHosts(const std::vector<HostQuestion>& questions,
                                                  const std::string& agent_path,
                                                  std::chrono::milliseconds patience);

}  // namespace ddl
