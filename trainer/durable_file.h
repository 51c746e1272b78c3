// SPDX-License-Identifier: Apache-2.0
// A file that is either the old one or the new one, whatever is killed or loses power.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace ddl {

// What a file is called until it is whole; left behind only by a kill.
inline constexpr std::string_view kAsideSuffix = ".aside";

// A file that is written in pieces, aside until Keep(). Throws Error (infrastructure) naming the
// path when the disk refuses; without Keep() nothing is left, and `path` is as before.
class DurableFile {
 public:
  explicit DurableFile(std::filesystem::path path);
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;
  ~DurableFile();

  void WriteAt(std::size_t offset, std::string_view bytes);
  void Resize(std::size_t bytes);
  // Syncs, renames, syncs the folder.
  void Keep();

 private:
  std::filesystem::path path_;
  std::string aside_;
  int fd_;
  std::size_t unpaced_ = 0;
  bool is_kept_ = false;
};

// Writes aside, syncs, renames to `path`, syncs the folder. Throws Error (infrastructure) naming
// the path when the disk refuses; then nothing stands aside and `path` is as before.
void WriteDurably(const std::filesystem::path& path, std::string_view bytes);

// A second name for the file at `existing`, replacing what `path` named, in one step.
void LinkDurably(const std::filesystem::path& existing, const std::filesystem::path& path);

// Syncs the folders above `folder`, as far as they may be opened: whoever made it did not.
void SyncNamesAboveFolder(const std::filesystem::path& folder);

}  // namespace ddl
