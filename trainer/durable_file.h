// SPDX-License-Identifier: Apache-2.0
// A file that is either the old one or the new one, whatever is killed or loses power.
#pragma once

#include <filesystem>
#include <string_view>

namespace ddl {

// What a file is called until it is whole; left behind only by a kill.
inline constexpr std::string_view kAsideSuffix = ".aside";

// Writes aside, syncs, renames to `path`, syncs the folder. Throws Error (infrastructure) naming
// the path when the disk refuses; then nothing stands aside and `path` is as before.
void WriteDurably(const std::filesystem::path& path, std::string_view bytes);

// A second name for the file at `existing`, replacing what `path` named, in one step.
void LinkDurably(const std::filesystem::path& existing, const std::filesystem::path& path);

// Syncs the folders above `folder`, as far as they may be opened: whoever made it did not.
void SyncNamesAboveFolder(const std::filesystem::path& folder);

}  // namespace ddl
