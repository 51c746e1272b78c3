// SPDX-License-Identifier: Apache-2.0
#include "runner/folder_snapshot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/code_tree.h"
#include "runner/file.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

constexpr std::size_t kPieceOfFolder = std::size_t{1} << 20U;
constexpr std::size_t kLongestFolderLink = 4096;

std::string Why(const char* doing, const std::string& path) {
  return fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno));
}

// Of the contents, which are copied meanwhile where there is a copy; nothing: errno says why not.
std::optional<std::string> HashAndCopy(const std::string& path, const FileDescriptor& copy,
                                       const std::stop_token& stop) {
  const FileDescriptor file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return std::nullopt;
  Sha256 hash;
  std::vector<char> piece(kPieceOfFolder);
  while (!stop.stop_requested()) {
    const ssize_t got = ::read(file.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return hash.Hex();
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
    hash.Add(bytes);
    if (copy && !WriteAll(copy.Get(), bytes)) return std::nullopt;
  }
  errno = ECANCELED;
  return std::nullopt;
}

// "", or what cannot be read.
std::string List(const std::string& folder, const std::string& below,
                 std::vector<CodeEntry>& entries, const std::stop_token& stop) {
  for (const std::string& name : ListFolder(folder + below)) {
    const std::string path = below + "/" + name;
    const std::string place = folder + path;
    struct stat status{};
    if (::lstat(place.c_str(), &status) != 0) return Why("read", place);
    CodeEntry entry{CodeKind::kFolder, path.substr(1), {}, 0};
    if (S_ISDIR(status.st_mode)) {
      if (::access(place.c_str(), R_OK | X_OK) != 0) return Why("read", place);
      if (std::string problem = List(folder, path, entries, stop); !problem.empty()) return problem;
    } else if (S_ISLNK(status.st_mode)) {
      std::array<char, kLongestFolderLink> target{};
      const ssize_t size = ::readlink(place.c_str(), target.data(), target.size());
      if (size <= 0) return Why("read", place);
      entry.kind = CodeKind::kLink;
      entry.content.assign(target.data(), static_cast<std::size_t>(size));
    } else if (S_ISREG(status.st_mode)) {
      const auto hash = HashAndCopy(place, {}, stop);
      if (!hash) return Why("read", place);
      entry.kind = (status.st_mode & S_IXUSR) != 0 ? CodeKind::kExecutable : CodeKind::kFile;
      entry.content = *hash;
      entry.size = status.st_size;
    } else {
      continue;
    }
    entries.push_back(std::move(entry));
  }
  return {};
}

// "", or what cannot be kept.
std::string CopyMissingOf(const std::string& folder, const CodeTree& tree,
                          const std::stop_token& stop) {
  for (const std::size_t i : tree.Missing()) {
    const CodeEntry& entry = tree.Manifest().entries[i];
    const std::string path = tree.PathOf(entry);
    const FileDescriptor copy = OpenFile(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (!copy) return Why("write", path);
    const auto hash = HashAndCopy(folder + "/" + entry.path, copy, stop);
    if (!hash) return Why("copy", folder + "/" + entry.path);
    if (*hash != entry.content) return folder + "/" + entry.path + " changes while it is copied";
    if (!CodeTree::Seal(copy.Get(), entry)) return Why("write", path);
  }
  return {};
}

}  // namespace

FolderSnapshot KeepFolder(const std::string& folder, const std::string& code_folder,
                          const std::stop_token& stop) {
  CodeManifest manifest;
  std::string problem = List(folder, "", manifest.entries, stop);
  if (!problem.empty()) return {{}, std::move(problem)};
  if (manifest.entries.empty()) return {};
  std::ranges::sort(manifest.entries, {}, &CodeEntry::path);
  const std::string code = Sha256Hex(ManifestText(manifest));
  const FileDescriptor lock = CodeTree::Lock(code_folder);
  if (!lock) return {{}, Why("write to", code_folder)};
  CodeTree tree(code_folder, code, std::move(manifest));
  problem = tree.Prepare();
  if (problem.empty()) problem = CopyMissingOf(folder, tree, stop);
  if (problem.empty() && ::syncfs(lock.Get()) != 0) problem = Why("sync", code_folder);
  if (problem.empty()) problem = tree.Finish();
  if (problem.empty() && !SyncFolder(code_folder)) problem = Why("sync", code_folder);
  return problem.empty() ? FolderSnapshot{code, {}} : FolderSnapshot{{}, std::move(problem)};
}

bool HasSnapshot(const std::string& code_folder, const std::string& code) {
  if (!IsCodeName(code) || CodeTree::ManifestBytes(code_folder, code) == 0) return false;
  const FileDescriptor lock = CodeTree::Lock(code_folder);
  const auto text = CodeTree::ReadManifest(code_folder, code);
  auto manifest = text ? ParseManifest(*text) : std::nullopt;
  if (!lock || !manifest) return false;
  CodeTree tree(code_folder, code, *std::move(manifest));
  return tree.Prepare().empty() && tree.Missing().empty();
}

}  // namespace ddl
