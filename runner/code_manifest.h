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

enum class CodeKind : char {
  kFile = 'f',
  kExecutable = 'x',
  kLink = 'l',
  kFolder = 'd',
  // A library that a machine may have itself: its own where that fits, else this file.
  kLibrary = 'h',
};

struct CodeEntry {
  CodeKind kind = CodeKind::kFile;
  std::string path;  // from the workdir
  // SHA-256 of a file, target of a link; of a library "" where there is none to send.
  std::string content;
  std::int64_t size = 0;
  bool operator==(const CodeEntry&) const = default;
  [[nodiscard]] bool IsFile() const {
    return kind == CodeKind::kFile || kind == CodeKind::kExecutable;
  }
  [[nodiscard]] bool IsLibrary() const { return kind == CodeKind::kLibrary; }
  // There are bytes that can be sent.
  [[nodiscard]] bool HasContent() const { return IsFile() || (IsLibrary() && !content.empty()); }
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

// Files that one has and the other has not, or has otherwise. Libraries that are a machine's own
// count only where one has none.
[[nodiscard]] std::int64_t CountChanges(const CodeManifest& before, const CodeManifest& after);

}  // namespace ddl
