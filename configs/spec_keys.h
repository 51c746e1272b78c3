// SPDX-License-Identifier: Apache-2.0
// Typed reading of one mapping of a spec: every key is known or refused by name.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/spec_errors.h"
#include "configs/spec_node.h"

namespace ddl {

// Of W&B, without meaning offline: taken, and told of.
inline constexpr std::array<std::string_view, 9> kIgnoredKeys{
    "apiVersion", "kind",      "entity",    "project", "controller",
    "job",        "image_uri", "scheduler", "settings"};

// A key and what reads its value.
struct SpecKey {
  std::string_view name;
  std::function<void(const SpecNode&)> read;
};

// Reads each entry by its key; unknown ones are errors with the nearest name. `node` must be a map.
void ReadKeys(const SpecNode& node, std::string_view of, const std::vector<SpecKey>& keys,
              SpecErrors& errors);

// Each adds an error and returns nothing when the node is not that.
[[nodiscard]] std::optional<std::string> ReadText(const SpecNode& node, std::string_view key,
                                                  SpecErrors& errors);
[[nodiscard]] std::optional<double> ReadNumber(const SpecNode& node, std::string_view key,
                                               SpecErrors& errors);
[[nodiscard]] std::optional<double> ReadPositive(const SpecNode& node, std::string_view key,
                                                 SpecErrors& errors);
// A whole number, at least `least`.
[[nodiscard]] std::optional<std::int64_t> ReadWhole(const SpecNode& node, std::string_view key,
                                                    std::int64_t least, SpecErrors& errors);
[[nodiscard]] std::optional<bool> ReadBool(const SpecNode& node, std::string_view key,
                                           SpecErrors& errors);
// 4GiB, 512MiB, 512 (MiB); in MiB.
[[nodiscard]] std::optional<std::int64_t> ReadMemory(const SpecNode& node, std::string_view key,
                                                     SpecErrors& errors);

}  // namespace ddl
