// SPDX-License-Identifier: Apache-2.0
#include "runner/code_snapshot.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/code_stats.h"
#include "runner/code_tree.h"
#include "runner/code_walk.h"
#include "runner/in_parallel.h"
#include "runner/process.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

constexpr const char* kCheckStore = "check the disk that holds the store";
constexpr int kSnapshotTries = 3;
constexpr std::int64_t kLargestPiece = std::int64_t{1} << 18U;
constexpr std::size_t kMostLinks = 10'000;

// Only what the walk saw was read: nothing was written to it meanwhile.
struct ReadContent {
  std::string hash;
  bool is_as_walked = false;
};

ReadContent HashContent(const std::string& path, const FileStamp& walked, int copy) {
  const FileDescriptor file = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (!file) throw SystemError("cannot read the code", path, "name it in a .ddlignore");
  const bool is_cloned = copy >= 0 && ::ioctl(copy, FICLONE, file.Get()) == 0;
  Sha256 hash;
  // Most files are small: a large piece for each would cost more than reading them.
  std::vector<char> piece(
      static_cast<std::size_t>(std::clamp<std::int64_t>(walked.size + 1, 4096, kLargestPiece)));
  while (true) {
    const ssize_t got = ::read(is_cloned ? copy : file.Get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError("cannot read the code", path, "name it in a .ddlignore");
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
    hash.Add(bytes);
    if (copy >= 0 && !is_cloned && !WriteAll(copy, bytes)) {
      throw SystemError("cannot keep a copy of the code", path, kCheckStore);
    }
  }
  struct stat status{};
  const bool is_known = ::fstat(file.Get(), &status) == 0;
  return {hash.Hex(), is_known && StampOf(status) == walked};
}

CodeWalk Walk(const CodeSource& source) {
  return source.files.empty() ? WalkCode(source.workdir, source.never)
                              : WalkFiles(source.files, source.libraries);
}

std::string PlaceOf(const CodeSource& source, const CodeEntry& entry) {
  if (entry.IsLibrary()) return source.libraries.at(entry.path);
  return source.files.empty() ? source.workdir + "/" + entry.path : source.files.at(entry.path);
}

// The same files are the same snapshot, whoever lists them.
std::string WorkdirOf(const CodeSource& source) {
  return source.files.empty() ? source.workdir : std::string();
}

// The first snapshot of a store is copied while it is hashed, before it has a name: nothing of it
// can be there already, and so each file is read once. Whatever it lacks is copied as always.
class FirstCopy {
 public:
  explicit FirstCopy(const std::string& code_folder) : folder_(code_folder + "/first.aside") {
    const std::vector<std::string> names = ListFolder(code_folder);
    is_first_ = RemoveTree(folder_) && std::ranges::none_of(names, [](const std::string& name) {
                  return IsCodeName(name.substr(0, name.find('.')));
                });
    is_first_ = is_first_ && EnsureFolder(folder_) && EnsureFolder(folder_ + "/tree") &&
                WriteFileAtomically(folder_ + "/boot", BootId());
  }
  FirstCopy(const FirstCopy&) = delete;
  FirstCopy& operator=(const FirstCopy&) = delete;
  ~FirstCopy() { RemoveTree(folder_); }

  // Nothing is copied without a descriptor.
  [[nodiscard]] FileDescriptor Begin(const CodeEntry& entry) const {
    if (!is_first_) return {};
    return OpenFile(folder_ + "/tree/" + entry.path, O_RDWR | O_CREAT | O_EXCL, 0600);
  }
  void MakeFolder(const CodeEntry& entry) const {
    if (is_first_) (void)EnsureFolder(folder_ + "/tree/" + entry.path, 0755);
  }
  // One that is not sealed counts for nothing.
  static void End(const FileDescriptor& copy, const CodeEntry& entry) {
    struct stat status{};
    if (::fstat(copy.Get(), &status) != 0 || status.st_size != entry.size) return;
    (void)CodeTree::Seal(copy.Get(), entry);
  }
  void Become(const std::string& code) const {
    if (!is_first_) return;
    (void)::rename(folder_.c_str(), (FolderOf(folder_) + "/" + code + ".aside").c_str());
  }

 private:
  std::string folder_;
  bool is_first_ = false;
};

struct HashedFile {
  ReadContent content;
  std::chrono::system_clock::time_point at;
  bool is_read = false;  // not known from before
};

// The workdir as it is now: every file with its hash. Reads what is not known by its stamp.
CodeManifest HashWorkdir(const CodeSource& source, CodeWalk& walk, const FirstCopy* first) {
  const std::string stats_path =
      source.code_folder + "/stats-" + Sha256Hex(WorkdirOf(source)).substr(0, 16);
  const CodeStats before = CodeStats::Read(stats_path);
  for (const WalkedFile& file : walk.files) {
    if (first != nullptr && file.entry.kind == CodeKind::kFolder) first->MakeFolder(file.entry);
  }
  std::vector<HashedFile> hashed(walk.files.size());
  InParallel(walk.files.size(), [&](std::size_t i) {
    WalkedFile& file = walk.files[i];
    if (!file.entry.IsFile() && !file.entry.IsLibrary()) return;
    if (PlaceOf(source, file.entry).empty()) return;
    hashed[i].at = std::chrono::system_clock::now();
    std::optional<std::string> known = before.Find(file);
    hashed[i].is_read = !known;
    FileDescriptor copy;
    if (first != nullptr && !known && file.entry.IsFile()) copy = first->Begin(file.entry);
    hashed[i].content = known ? ReadContent{*std::move(known), true}
                              : HashContent(PlaceOf(source, file.entry), file.stamp, copy.Get());
    file.entry.content = hashed[i].content.hash;
    if (copy) FirstCopy::End(copy, file.entry);
  });
  CodeStats after;
  CodeManifest manifest{WorkdirOf(source), {}};
  for (std::size_t i = 0; i < walk.files.size(); ++i) {
    const WalkedFile& file = walk.files[i];
    if (file.entry.HasContent() && hashed[i].content.is_as_walked) after.Add(file, hashed[i].at);
    manifest.entries.push_back(file.entry);
  }
  if (std::ranges::any_of(hashed, &HashedFile::is_read)) after.Write(stats_path);
  return manifest;
}

// False: the workdir changed since it was hashed.
bool CopyMissing(const CodeSource& source, const CodeWalk& walk, const CodeTree& tree) {
  std::atomic<bool> has_changed = false;
  InParallel(tree.Missing().size(), [&](std::size_t number) {
    const std::size_t i = tree.Missing()[number];
    const CodeEntry& entry = tree.Manifest().entries[i];
    const std::string path = tree.PathOf(entry);
    const FileDescriptor copy = OpenFile(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (!copy) throw SystemError("cannot keep a copy of the code", path, kCheckStore);
    const ReadContent content =
        HashContent(PlaceOf(source, entry), walk.files[i].stamp, copy.Get());
    if (content.hash != entry.content) {
      has_changed = true;
    } else if (!CodeTree::Seal(copy.Get(), entry)) {
      throw SystemError("cannot keep a copy of the code", path, kCheckStore);
    }
  });
  return !has_changed;
}

// The machine's own, each where it lies.
std::string PlaceLibraries(const CodeSource& source, const CodeTree& tree) {
  for (const std::size_t i : tree.Libraries()) {
    const CodeEntry& entry = tree.Manifest().entries[i];
    const auto found = source.libraries.find(entry.path);
    if (found == source.libraries.end() || found->second.empty()) continue;
    if (std::string problem = tree.PlaceOwn(entry, found->second); !problem.empty()) return problem;
  }
  return {};
}

// What was left out is found where it is.
void LinkWhatWasLeft(const CodeSource& source, const CodeWalk& walk, const std::string& tree) {
  const std::size_t count = std::min(walk.left.size(), kMostLinks);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string path = tree + "/" + walk.left[i];
    (void)::symlink((source.workdir + "/" + walk.left[i]).c_str(), path.c_str());
  }
}

std::vector<std::string> NotesOf(const CodeWalk& walk) {
  std::vector<std::string> notes;
  if (walk.links_out + walk.no_files > 0) {
    notes.push_back(fmt::format(
        "not part of the code: {} links that leave the workdir, {} pipes, sockets and devices",
        walk.links_out, walk.no_files));
  }
  if (walk.left.size() > kMostLinks) {
    notes.push_back(
        fmt::format("of {} things that are no code only the first {} are to be found in "
                    "the copy that trials here run in",
                    walk.left.size(), kMostLinks));
  }
  return notes;
}

FileDescriptor LockCode(const std::string& code_folder) {
  FileDescriptor lock = CodeTree::Lock(code_folder);
  if (lock) return lock;
  throw SystemError("cannot keep a copy of the code", code_folder, kCheckStore);
}

void Demand(const std::string& problem, const std::string& code_folder) {
  if (problem.empty()) return;
  throw Error("cannot keep a copy of the code: " + problem, code_folder, kCheckStore,
              ErrorKind::kInfrastructure);
}

// Nothing: the workdir changed since it was hashed.
std::optional<CodeSnapshot> Keep(const CodeSource& source, const CodeWalk& walk,
                                 CodeManifest manifest) {
  const std::string code = Sha256Hex(ManifestText(manifest));
  CodeTree tree(source.code_folder, code, std::move(manifest));
  Demand(tree.Prepare(), source.code_folder);
  if (!CopyMissing(source, walk, tree)) {
    RemoveTree(source.code_folder + "/" + code + ".aside");
    return std::nullopt;
  }
  Demand(PlaceLibraries(source, tree), source.code_folder);
  LinkWhatWasLeft(source, walk, tree.PathOf({.path = "."}));
  Demand(tree.Finish(), source.code_folder);
  return CodeSnapshot{code, walk.count, walk.bytes, NotesOf(walk)};
}

}  // namespace

CodeSnapshot TakeCode(const CodeSource& source) {
  const FileDescriptor lock = LockCode(source.code_folder);
  for (int i = 0; i < kSnapshotTries; ++i) {
    CodeWalk walk = Walk(source);
    const FirstCopy first(source.code_folder);
    CodeManifest manifest = HashWorkdir(source, walk, &first);
    first.Become(Sha256Hex(ManifestText(manifest)));
    std::optional<CodeSnapshot> kept = Keep(source, walk, std::move(manifest));
    if (kept) return *std::move(kept);
  }
  throw Error("the code keeps changing while it is copied", source.workdir,
              "name what is written there all the time in a .ddlignore");
}

ListedCode FilesOfCode(const std::string& code_folder, const std::string& code) {
  ListedCode listed;
  const auto text = CodeTree::ReadManifest(code_folder, code);
  const auto manifest = text ? ParseManifest(*text) : std::nullopt;
  if (!manifest) return listed;
  for (const CodeEntry& entry : manifest->entries) {
    const std::string path = CodeTree::FolderOfTree(code_folder, code) + "/" + entry.path;
    if (entry.IsFile()) listed.files[entry.path] = path;
    if (!entry.IsLibrary()) continue;
    std::error_code is_gone;
    listed.libraries[entry.path] = std::filesystem::canonical(path, is_gone);
  }
  return listed;
}

std::optional<std::int64_t> GoOnWithCode(const CodeSource& source, const std::string& code) {
  const FileDescriptor lock = LockCode(source.code_folder);
  CodeWalk walk = Walk(source);
  CodeManifest now = HashWorkdir(source, walk, nullptr);
  if (Sha256Hex(ManifestText(now)) == code) {
    if (Keep(source, walk, std::move(now))) return 0;
    return std::nullopt;
  }
  const auto text = CodeTree::ReadManifest(source.code_folder, code);
  std::optional<CodeManifest> known = text ? ParseManifest(*text) : std::nullopt;
  if (!known) return std::nullopt;
  const std::int64_t changes = CountChanges(*known, now);
  CodeTree tree(source.code_folder, code, *std::move(known));
  Demand(tree.Prepare(), source.code_folder);
  if (!tree.Missing().empty()) return std::nullopt;
  Demand(PlaceLibraries(source, tree), source.code_folder);
  LinkWhatWasLeft(source, walk, tree.PathOf({.path = "."}));
  Demand(tree.Finish(), source.code_folder);
  return changes;
}

}  // namespace ddl
