// SPDX-License-Identifier: Apache-2.0
// Any bytes as a manifest: one that is read has only paths that stay in their folder, and is
// written as text that reads to the same.
#include "runner/code_manifest.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  const std::string_view text = AsText(bytes, size);
  const std::optional<CodeManifest> manifest = ParseManifest(text);
  if (!manifest) return 0;
  for (const CodeEntry& entry : manifest->entries) {
    const std::string around = "/" + entry.path + "/";
    Promise(around.find("/../") == std::string::npos && !entry.path.starts_with('/'),
            "no path leaves the workdir");
    Promise(!entry.HasContent() || IsCodeName(entry.content), "a file has the hash of its content");
    Promise(entry.size >= 0, "no size is negative");
  }
  const std::optional<CodeManifest> again = ParseManifest(ManifestText(*manifest));
  Promise(again == manifest, "a manifest is written as text that reads to the same");
  Promise(CountChanges(*manifest, *again) == 0, "the same manifest has no changes");
  return 0;
}
