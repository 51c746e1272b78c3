// SPDX-License-Identifier: Apache-2.0
// Plain values as YAML text that reads back as the same values. Nothing here reads YAML.
#pragma once

#include <string>
#include <string_view>

#include "configs/json.h"

namespace ddl {

// On one line: "[1, 2]", "{type: sgd, momentum: 0.9}". Texts that YAML could take for something
// else are quoted; numbers keep their kind (3.0 stays a float).
[[nodiscard]] std::string YamlFlow(const Json& value);

// "key: value" lines at an indent, each with its line end; mappings that do not fit 90 columns are
// broken into lines of their own.
[[nodiscard]] std::string YamlEntry(std::string_view key, const Json& value, int indent = 0);

}  // namespace ddl
