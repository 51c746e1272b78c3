// SPDX-License-Identifier: Apache-2.0
// A YAML document as a small tree that knows where everything stands. The only door to yaml-cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/json.h"

namespace ddl {

struct SpecEntry;

struct SpecNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  std::string text;        // of a scalar
  bool is_quoted = false;  // stays a text whatever it looks like
  std::vector<SpecNode> items;
  std::vector<SpecEntry> entries;
  int line = 0;  // from 1; 0: from the command line
  int column = 0;
  std::string origin;  // of a command-line override, "KEY=VALUE"

  [[nodiscard]] const SpecNode* Find(std::string_view key) const;
  [[nodiscard]] SpecNode* Find(std::string_view key);
};

// Of a mapping.
struct SpecEntry {
  SpecNode key;  // a scalar
  SpecNode value;
};

// What a document may hold; beyond it is refused before any tree is built.
inline constexpr std::size_t kMaxSpecBytes = std::size_t{1} << 20U;
inline constexpr int kMaxSpecDepth = 32;
inline constexpr std::int64_t kMaxSpecNodes = 25'000;  // aliases expanded

// A fault that leaves no tree.
struct SpecFault {
  int line = 1;
  int column = 1;
  std::string what;
  std::string hint;
};

// One document, every alias expanded, merge keys (<<) merged. Throws SpecFault.
[[nodiscard]] SpecNode ParseSpecText(std::string_view text);

// As YAML 1.1 readers have it: null, booleans, numbers, texts. 1e-3 is a number too.
[[nodiscard]] Json ScalarToJson(const SpecNode& scalar);
[[nodiscard]] Json ToJson(const SpecNode& node);

}  // namespace ddl
