// SPDX-License-Identifier: Apache-2.0
#include "runner/code_tree.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/process.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

constexpr std::size_t kMostManifest = std::size_t{256} << 20U;
constexpr mode_t kPlainMode = 0444;
constexpr mode_t kExecutableMode = 0555;

// Between 2001 and 2010. Made of the hash: tools that take a file for unchanged by size and time
// (Python's compiled files) are not misled from one snapshot to the next.
std::int64_t TimeOf(const CodeEntry& entry) {
  std::uint32_t digits = 0;
  std::from_chars(entry.content.data(), entry.content.data() + 7, digits, 16);
  return 1'000'000'000 + std::int64_t{digits};
}

mode_t ModeOf(const CodeEntry& entry) {
  return entry.kind == CodeKind::kExecutable ? kExecutableMode : kPlainMode;
}

std::string Refusal(const std::string& path, const char* doing) {
  return std::string("cannot ") + doing + " " + path + ": " + std::strerror(errno);
}

std::string HashOfFile(const std::string& path) {
  const FileDescriptor file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return {};
  Sha256 hash;
  std::vector<char> piece(std::size_t{1} << 18U);
  while (true) {
    const ssize_t got = ::read(file.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) return hash.Hex();
    hash.Add({piece.data(), static_cast<std::size_t>(got)});
  }
}

// Names of whole snapshots, the newest first.
std::vector<std::string> NewestSnapshots(const std::string& code_folder, std::size_t most) {
  std::vector<std::pair<std::int64_t, std::string>> found;
  for (const std::string& name : ListFolder(code_folder)) {
    struct stat status{};
    if (!IsCodeName(name) || ::stat((code_folder + "/" + name).c_str(), &status) != 0) continue;
    found.emplace_back(status.st_mtim.tv_sec, name);
  }
  std::ranges::sort(found, std::greater<>());
  found.resize(std::min(found.size(), most));
  std::vector<std::string> names;
  names.reserve(found.size());
  for (auto& [time, name] : found) {
    names.push_back(std::move(name));
  }
  return names;
}

bool IsOfThisBoot(const std::string& folder) {
  const std::optional<std::string> boot = ReadFile(folder + "/boot");
  return boot && *boot == BootId();
}

}  // namespace

bool IsPlaced(const std::string& path, const CodeEntry& entry) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_size == entry.size && status.st_mtim.tv_sec == TimeOf(entry) &&
         status.st_mtim.tv_nsec == 0 && (status.st_mode & 0777U) == ModeOf(entry);
}

CodeLibrary CodeLibrary::Of(const std::string& code_folder, std::size_t snapshots) {
  CodeLibrary library;
  for (const std::string& code : NewestSnapshots(code_folder, snapshots)) {
    if (!IsOfThisBoot(code_folder + "/" + code)) continue;
    const auto text = CodeTree::ReadManifest(code_folder, code);
    const auto manifest = text ? ParseManifest(*text) : std::nullopt;
    if (!manifest) continue;
    const std::string tree = CodeTree::FolderOfTree(code_folder, code) + "/";
    for (const CodeEntry& entry : manifest->entries) {
      const bool is_hosts_own = entry.IsLibrary() && !IsPlaced(tree + entry.path, entry);
      if (entry.HasContent() && !is_hosts_own) {
        library.files_.try_emplace(entry.content, Shelved{tree + entry.path, entry.kind});
      }
    }
  }
  return library;
}

bool CodeLibrary::LinkTo(const CodeEntry& entry, const std::string& path) const {
  const auto found = files_.find(entry.content);
  if (found == files_.end() || found->second.kind != entry.kind) return false;
  return IsPlaced(found->second.path, entry) &&
         ::link(found->second.path.c_str(), path.c_str()) == 0;
}

FileDescriptor CodeTree::Lock(const std::string& code_folder) {
  if (!EnsureFolder(code_folder)) return {};
  FileDescriptor lock = OpenFile(code_folder + "/lock", O_RDWR | O_CREAT);
  while (lock && ::flock(lock.Get(), LOCK_EX) != 0) {
    if (errno != EINTR) lock.Reset();
  }
  return lock;
}

std::string CodeTree::FolderOfTree(const std::string& code_folder, const std::string& code) {
  return code_folder + "/" + code + "/tree";
}

std::optional<std::string> CodeTree::ReadManifest(const std::string& code_folder,
                                                  const std::string& code) {
  for (const char* suffix : {"/manifest", ".aside/manifest"}) {
    std::optional<std::string> text = ReadFile(code_folder + "/" + code + suffix, kMostManifest);
    if (text && Sha256Hex(*text) == code) return text;
  }
  return std::nullopt;
}

std::uint64_t CodeTree::ManifestBytes(const std::string& code_folder, const std::string& code) {
  struct stat status{};
  const std::string path = code_folder + "/" + code + "/manifest";
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

CodeTree::CodeTree(std::string code_folder, std::string code, CodeManifest manifest)
    : code_folder_(std::move(code_folder)),
      code_(std::move(code)),
      manifest_(std::move(manifest)),
      folder_(code_folder_ + "/" + code_) {
  if (IsMissing(folder_)) folder_ += ".aside";
}

std::string CodeTree::PathOf(const CodeEntry& entry) const {
  return folder_ + "/tree/" + entry.path;
}

std::string CodeTree::Prepare() {
  const bool is_new = IsMissing(folder_);
  for (const std::string& folder : {folder_, folder_ + "/tree"}) {
    if (!EnsureFolder(folder)) return Refusal(folder, "make");
  }
  const std::string manifest = folder_ + "/manifest";
  if (IsMissing(manifest) && !WriteFileAtomically(manifest, ManifestText(manifest_))) {
    return Refusal(manifest, "write");
  }
  const bool is_trusted = IsOfThisBoot(folder_);
  std::optional<CodeLibrary> library;
  missing_.clear();
  libraries_.clear();
  for (std::size_t i = 0; i < manifest_.entries.size(); ++i) {
    const CodeEntry& entry = manifest_.entries[i];
    const std::string path = PathOf(entry);
    std::string problem;
    if (entry.kind == CodeKind::kFolder) problem = PlaceFolder(entry);
    if (entry.kind == CodeKind::kLink) problem = PlaceLink(entry);
    if (!problem.empty()) return problem;
    if (entry.IsLibrary()) {
      if (!is_new && !is_trusted && !DropDamaged(entry)) return Refusal(path, "remove");
      libraries_.push_back(i);
    }
    if (!entry.IsFile()) continue;
    if (!is_new && IsPlaced(path, entry) && (is_trusted || HashOfFile(path) == entry.content))
      continue;
    if (!library) library = CodeLibrary::Of(code_folder_);
    if (!is_new && is_trusted && IsBegun(entry)) {
      missing_.push_back(i);
      continue;
    }
    if (!is_new && !RemoveTree(path)) return Refusal(path, "remove");
    if (!library->LinkTo(entry, path)) missing_.push_back(i);
  }
  // What is added from now on is of this boot.
  if (!is_trusted && !WriteFileAtomically(folder_ + "/boot", BootId())) {
    return Refusal(folder_ + "/boot", "write");
  }
  return {};
}

// A link to the machine's own is looked at by who builds.
bool CodeTree::DropDamaged(const CodeEntry& library) const {
  const std::string path = PathOf(library);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || S_ISLNK(status.st_mode)) return true;
  return (IsSent(library) && HashOfFile(path) == library.content) || RemoveTree(path);
}

std::string CodeTree::PlaceOwn(const CodeEntry& entry, const std::string& place) const {
  const std::string path = PathOf(entry);
  const std::string beside = path + ".new";
  (void)::unlink(beside.c_str());
  if (::symlink(place.c_str(), beside.c_str()) == 0 &&
      ::rename(beside.c_str(), path.c_str()) == 0) {
    return {};
  }
  return Refusal(path, "make");
}

bool CodeTree::IsSent(const CodeEntry& entry) const {
  return entry.HasContent() && IsPlaced(PathOf(entry), entry);
}

bool CodeTree::IsBegun(const CodeEntry& entry) const {
  struct stat status{};
  return folder_.ends_with(".aside") && ::lstat(PathOf(entry).c_str(), &status) == 0 &&
         S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_size < entry.size;
}

std::string CodeTree::PlaceFolder(const CodeEntry& entry) const {
  const std::string path = PathOf(entry);
  if (EnsureFolder(path, 0755)) return {};
  if (RemoveTree(path) && EnsureFolder(path, 0755)) return {};
  return Refusal(path, "make");
}

std::string CodeTree::PlaceLink(const CodeEntry& entry) const {
  const std::string path = PathOf(entry);
  std::array<char, 4096> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  const std::string_view now(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size > 0 && now == entry.content) return {};
  if (RemoveTree(path) && ::symlink(entry.content.c_str(), path.c_str()) == 0) return {};
  return Refusal(path, "make");
}

bool CodeTree::Seal(int file, const CodeEntry& entry) {
  const std::array<timespec, 2> times{
      {{.tv_sec = TimeOf(entry), .tv_nsec = 0}, {.tv_sec = TimeOf(entry), .tv_nsec = 0}}};
  return ::fchmod(file, ModeOf(entry)) == 0 && ::futimens(file, times.data()) == 0;
}

std::string CodeTree::Finish() {
  const std::string whole = code_folder_ + "/" + code_;
  if (folder_ != whole && ::rename(folder_.c_str(), whole.c_str()) != 0) {
    return Refusal(whole, "name");
  }
  folder_ = whole;
  // So that the ones used last are known by their time.
  (void)::utimensat(AT_FDCWD, whole.c_str(), nullptr, 0);
  return {};
}

}  // namespace ddl
