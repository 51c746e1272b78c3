// SPDX-License-Identifier: Apache-2.0
// What changed between two specs of one name, and whether a sweep may go on with the change.
#pragma once

#include <string>

#include "configs/spec.h"

namespace ddl {

struct SpecDifference {
  std::string text;      // "  key: before -> after" lines; "" when nothing changed
  bool in_place = true;  // run_cap upward, limits, hosts, resources, parallel, retries, description
};

[[nodiscard]] SpecDifference DifferenceOf(const SweepSpec& before, const SweepSpec& after);

}  // namespace ddl
