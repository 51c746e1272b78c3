// SPDX-License-Identifier: Apache-2.0
#include "runner/code_manifest.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "runner/tree_stream.h"

namespace ddl {

namespace {

constexpr std::string_view kHead = "ddl-code 1";

// Fields end with a NUL, which no path holds.
void PutField(std::string& text, std::string_view field) {
  text += field;
  text += '\0';
}

class ManifestReader {
 public:
  explicit ManifestReader(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool IsAtEnd() const { return rest_.empty(); }
  [[nodiscard]] std::optional<std::string_view> Field() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return field;
  }

 private:
  std::string_view rest_;
};

std::optional<CodeEntry> ReadEntry(ManifestReader& reader) {
  const auto kind = reader.Field();
  const auto path = reader.Field();
  const auto content = reader.Field();
  const auto size = reader.Field();
  if (!size || kind->size() != 1 || !IsPathInside(*path)) return std::nullopt;
  CodeEntry entry{static_cast<CodeKind>(kind->front()), std::string(*path), std::string(*content)};
  const char* const end = size->data() + size->size();
  const auto [stop, problem] = std::from_chars(size->data(), end, entry.size);
  if (problem != std::errc() || stop != end || entry.size < 0) return std::nullopt;
  if (std::string_view("fxldh").find(kind->front()) == std::string_view::npos) return std::nullopt;
  if (entry.HasContent() && !IsCodeName(entry.content)) return std::nullopt;
  return entry;
}

}  // namespace

std::string ManifestText(const CodeManifest& manifest) {
  std::string text;
  PutField(text, kHead);
  PutField(text, manifest.workdir);
  for (const CodeEntry& entry : manifest.entries) {
    PutField(text, std::string(1, static_cast<char>(entry.kind)));
    PutField(text, entry.path);
    PutField(text, entry.content);
    PutField(text, std::to_string(entry.size));
  }
  return text;
}

std::optional<CodeManifest> ParseManifest(std::string_view text) {
  ManifestReader reader(text);
  if (reader.Field() != kHead) return std::nullopt;
  const auto workdir = reader.Field();
  if (!workdir) return std::nullopt;
  CodeManifest manifest{std::string(*workdir), {}};
  while (!reader.IsAtEnd()) {
    std::optional<CodeEntry> entry = ReadEntry(reader);
    if (!entry) return std::nullopt;
    const bool is_sorted = manifest.entries.empty() || manifest.entries.back().path < entry->path;
    if (!is_sorted) return std::nullopt;
    manifest.entries.push_back(*std::move(entry));
  }
  return manifest;
}

bool IsCodeName(std::string_view code) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return code.size() == 64 && std::ranges::all_of(code, is_digit);
}

std::int64_t CountChanges(const CodeManifest& before, const CodeManifest& after) {
  std::int64_t changes = 0;
  auto old_entry = before.entries.begin();
  auto new_entry = after.entries.begin();
  while (old_entry != before.entries.end() || new_entry != after.entries.end()) {
    const bool is_gone = new_entry == after.entries.end() ||
                         (old_entry != before.entries.end() && old_entry->path < new_entry->path);
    const bool is_new =
        !is_gone && (old_entry == before.entries.end() || new_entry->path < old_entry->path);
    if (is_gone) {
      changes += old_entry++->kind != CodeKind::kFolder ? 1 : 0;
    } else if (is_new) {
      changes += new_entry++->kind != CodeKind::kFolder ? 1 : 0;
    } else {
      const bool is_same = (old_entry->IsLibrary() && new_entry->IsLibrary()) ||  //
                           *old_entry == *new_entry;
      changes += is_same ? 0 : 1;
      ++old_entry;
      ++new_entry;
    }
  }
  return changes;
}

}  // namespace ddl
