// SPDX-License-Identifier: Apache-2.0
// What a snapshot of a workdir holds. Its text is canonical: the same files in the same workdir
// give the same text, whose SHA-256 names the snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ddl {

enum class CodeKind : char { kFile = 'f', kExecutable = 'x', kLink = 'l', kFolder = 'd' };

struct CodeEntry {
  CodeKind kind = CodeKind::kFile;
  std::string path;     // from the workdir
  std::string content;  // SHA-256 of a file, target of a link
  std::int64_t size = 0;
  bool operator==(const CodeEntry&) const = default;
  [[nodiscard]] bool IsFile() const {
    return kind == CodeKind::kFile || kind == CodeKind::kExecutable;
  }
};

struct CodeManifest {
  std::string workdir;             // on the coordinator's machine
  std::vector<CodeEntry> entries;  // by path
  bool operator==(const CodeManifest&) const = default;
};

[[nodiscard]] std::string ManifestText(const CodeManifest& manifest);
// nullopt: that is none, or a path in it leaves the workdir.
[[nodiscard]] std::optional<CodeManifest> ParseManifest(std::string_view text);

// The name of a snapshot, as it comes from a host or a database: 64 hexadecimal digits.
[[nodiscard]] bool IsCodeName(std::string_view code);

// Files that one has and the other has not, or has otherwise.
[[nodiscard]] std::int64_t CountChanges(const CodeManifest& before, const CodeManifest& after);

}  // namespace ddl
