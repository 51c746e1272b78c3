// SPDX-License-Identifier: Apache-2.0
// Trees of snapshots on disk, the same on every host:
//
//   CODE_FOLDER/HASH/           once it is whole; HASH.aside until then
//     manifest                  its SHA-256 is HASH
//     boot                      the boot in which every file was last known to be right
//     tree/                     the files: read-only, with a time of change made of their hash
//   CODE_FOLDER/lock            held by the one that builds
//
// A file with another size, mode or time than it was given is damaged, and is made anew; after a
// power failure contents are compared too, for files are not synced one by one. Equal files of
// several snapshots are one file with several names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runner/code_manifest.h"
#include "runner/file.h"

namespace ddl {

// Files of whole trees, by what they hold.
class CodeLibrary {
 public:
  // Of the newest snapshots in the folder.
  [[nodiscard]] static CodeLibrary Of(const std::string& code_folder,
                                      std::size_t snapshots = kNewest);
  // Gives an equal file the further name `path`. False: there is none, or it is damaged.
  [[nodiscard]] bool LinkTo(const CodeEntry& entry, const std::string& path) const;

  static constexpr std::size_t kNewest = 4;

 private:
  struct Shelved {
    std::string path;
    CodeKind kind = CodeKind::kFile;
  };
  std::unordered_map<std::string, Shelved> files_;  // by hash
};

class CodeTree {
 public:
  // Whoever holds it may build in that folder. Waits; no descriptor: the folder cannot be written.
  [[nodiscard]] static FileDescriptor Lock(const std::string& code_folder);
  [[nodiscard]] static std::string FolderOfTree(const std::string& code_folder,
                                                const std::string& code);
  // The text of the manifest, where the snapshot is there, or has been begun.
  [[nodiscard]] static std::optional<std::string> ReadManifest(const std::string& code_folder,
                                                               const std::string& code);

  // 0: it is not there.
  [[nodiscard]] static std::uint64_t ManifestBytes(const std::string& code_folder,
                                                   const std::string& code);

  // Begins to build, or goes on. The caller holds the lock.
  CodeTree(std::string code_folder, std::string code, CodeManifest manifest);
  [[nodiscard]] const CodeManifest& Manifest() const { return manifest_; }
  // Makes all that needs no contents from outside. Why it cannot, or "".
  [[nodiscard]] std::string Prepare();
  // Positions in the manifest of files that are not there.
  [[nodiscard]] const std::vector<std::size_t>& Missing() const { return missing_; }
  // Positions of libraries, of which none is among those: who builds sees to them.
  [[nodiscard]] const std::vector<std::size_t>& Libraries() const { return libraries_; }
  // The machine's own stands for the library. Why it cannot, or "".
  [[nodiscard]] std::string PlaceOwn(const CodeEntry& entry, const std::string& place) const;
  // A file was sent for the library, all of it; or a part of it before the link was cut.
  [[nodiscard]] bool IsSent(const CodeEntry& entry) const;
  [[nodiscard]] bool IsBegun(const CodeEntry& entry) const;
  // Where a missing file is to be written. Sealed, it is part of the tree.
  [[nodiscard]] std::string PathOf(const CodeEntry& entry) const;
  [[nodiscard]] static bool Seal(int file, const CodeEntry& entry);
  // Nothing is missing any more: gives the snapshot its name. Why not, or "".
  [[nodiscard]] std::string Finish();

 private:
  // False: a damaged one stays.
  [[nodiscard]] bool DropDamaged(const CodeEntry& library) const;
  [[nodiscard]] std::string PlaceFolder(const CodeEntry& entry) const;
  [[nodiscard]] std::string PlaceLink(const CodeEntry& entry) const;

  std::string code_folder_;
  std::string code_;
  CodeManifest manifest_;
  std::string folder_;  // HASH or HASH.aside
  std::vector<std::size_t> missing_;
  std::vector<std::size_t> libraries_;
};

// The file is the entry, as far as a stat can tell.
[[nodiscard]] bool IsPlaced(const std::string& path, const CodeEntry& entry);

}  // namespace ddl
