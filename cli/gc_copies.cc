// SPDX-License-Identifier: Apache-2.0
#include "cli/gc_copies.h"

#include <string_view>

#include <sys/stat.h>

namespace ddl {

namespace {

constexpr std::int64_t kLeftForS = 3'600;

bool IsCopy(std::string_view folder) {
  return folder.starts_with("checkpoints/trial-") &&
         folder.find(".aside-") != std::string_view::npos;
}

}  // namespace

LeftCopies FindLeftCopies(const PlaceHere& place, std::int64_t now_ms) {
  LeftCopies copies;
  for (const std::string& name : ListFolder(place.Paths().Store() + "/checkpoints")) {
    const std::string folder = "checkpoints/" + name;
    struct stat status{};
    if (!IsCopy(folder) || ::stat(place.PathOf(folder).c_str(), &status) != 0) continue;
    if (now_ms / 1000 - std::int64_t{status.st_mtim.tv_sec} < kLeftForS) continue;
    copies.size += SizeOf(place.PathOf(folder));
    copies.folders.push_back(folder);
  }
  return copies;
}

LeftCopies FindLeftCopies(const PlaceThere& place) {
  LeftCopies copies;
  for (const auto& [name, folder] : place.Folders()) {
    if (!IsCopy(name) || folder.age_s < kLeftForS) continue;
    copies.size += folder.size;
    copies.folders.push_back(name);
  }
  return copies;
}

std::int64_t RemoveLeftCopies(const LeftCopies& copies, GcPlace& place) {
  std::int64_t removed = 0;
  for (const std::string& folder : copies.folders) {
    const bool is_aside = place.SetAside(folder) == RemovalEnd::kDone;
    removed += is_aside && place.RemoveAside(folder) == RemovalEnd::kDone ? 1 : 0;
  }
  return removed;
}

}  // namespace ddl
