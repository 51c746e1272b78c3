// SPDX-License-Identifier: Apache-2.0
// `search:` of a spec with `method: custom`: the program that proposes configurations.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "configs/json.h"
#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

struct OwnSearch {
  std::vector<std::string> command;           // program and arguments; no shell is involved
  std::chrono::milliseconds timeout{60'000};  // for one answer
};

[[nodiscard]] OwnSearch ReadOwnSearch(const SpecNode& node, SpecErrors& errors);
// `search` belongs to `method: custom`, and that to `search`. `root` is the whole spec.
void CheckOwnSearch(const SpecNode& root, SpecErrors& errors);

[[nodiscard]] Json ToJson(const OwnSearch& search);
// Throws Json::exception or Error where it is not what ToJson writes.
[[nodiscard]] OwnSearch OwnSearchFromJson(const Json& json);

}  // namespace ddl
