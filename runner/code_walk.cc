// SPDX-License-Identifier: Apache-2.0
#include "runner/code_walk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/file.h"
#include "runner/ignore_rules.h"

namespace ddl {

namespace {

constexpr const char* kLeaveOut = "name what is no code in a .ddlignore there";
constexpr std::size_t kLongestTarget = 4096;

std::int64_t NanosecondsOf(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A relative target that stays below the top, whatever is there.
bool StaysInside(std::string_view link, std::string_view target) {
  if (target.empty() || target.starts_with('/')) return false;
  auto depth = std::ranges::count(link, '/');
  while (!target.empty()) {
    const std::size_t slash = std::min(target.find('/'), target.size());
    const std::string_view name = target.substr(0, slash);
    if (name == "..") --depth;
    if (!name.empty() && name != "." && name != "..") ++depth;
    if (depth < 0) return false;
    target.remove_prefix(std::min(slash + 1, target.size()));
  }
  return true;
}

CodeKind KindOf(const struct stat& status) {
  return (status.st_mode & S_IXUSR) != 0 ? CodeKind::kExecutable : CodeKind::kFile;
}

class CodeWalker {
 public:
  CodeWalker(std::string workdir, const std::vector<std::string>& never, const CodeLimits& limits)
      : workdir_(std::move(workdir)), limits_(limits) {
    for (const std::string& folder : never) {
      struct stat status{};
      if (::stat(folder.c_str(), &status) == 0) never_.emplace(status.st_dev, status.st_ino);
    }
    ReadRulesAbove();
  }

  CodeWalk Walk() {
    Enter("");
    CheckLimits();
    std::ranges::sort(walk_.files, {}, [](const WalkedFile& f) { return f.entry.path; });
    return std::move(walk_);
  }

 private:
  // The rules of a repository count in its folders too. Paths of rules go from its top.
  void ReadRulesAbove() {
    std::string top = workdir_;
    while (!IsTop(top)) {
      const std::string above = FolderOf(top);
      if (above == top || above == ".") return;
      top = above;
    }
    if (top == workdir_) return;
    prefix_ = workdir_.substr(top == "/" ? 1 : top.size() + 1) + "/";
    std::string folder;
    for (std::size_t slash = 0; slash != std::string::npos;) {
      ReadRules(top + "/" + folder, folder);
      const std::size_t next = prefix_.find('/', slash);
      if (next + 1 == prefix_.size()) break;
      folder = prefix_.substr(0, next);
      slash = next + 1;
    }
  }
  static bool IsTop(const std::string& folder) {
    return !IsMissing(folder + "/.git") || folder == "/";
  }
  void ReadRules(const std::string& folder, const std::string& from_top) {
    if (const auto text = ReadFile(folder + "/.gitignore")) git_.emplace_back(*text, from_top);
    if (const auto text = ReadFile(folder + "/.ddlignore")) ddl_.emplace_back(*text, from_top);
  }

  [[nodiscard]] bool IsLeft(const std::string& path, bool is_folder) const {
    const std::string from_top = prefix_ + path;
    const auto word = IsIgnored(ddl_, from_top, is_folder);
    return word ? *word : IsIgnored(git_, from_top, is_folder).value_or(false);
  }

  void Enter(const std::string& folder) {
    const std::string place = folder.empty() ? workdir_ : workdir_ + "/" + folder;
    const std::size_t git_rules = git_.size();
    const std::size_t ddl_rules = ddl_.size();
    std::string from_top = prefix_ + folder;
    if (from_top.ends_with('/')) from_top.pop_back();
    ReadRules(place, from_top);
    if (::access(place.c_str(), R_OK | X_OK) != 0) Refuse(place);
    for (const std::string& name : ListFolder(place)) {
      Look(folder.empty() ? name : folder + "/" + name, name);
    }
    git_.erase(git_.begin() + static_cast<std::ptrdiff_t>(git_rules), git_.end());
    ddl_.erase(ddl_.begin() + static_cast<std::ptrdiff_t>(ddl_rules), ddl_.end());
  }

  void Look(const std::string& path, const std::string& name) {
    if (name == ".git" || name == ".ddl") return;
    struct stat status{};
    if (::lstat((workdir_ + "/" + path).c_str(), &status) != 0) {
      if (errno == ENOENT) return;  // it went meanwhile
      Refuse(workdir_ + "/" + path);
    }
    const bool is_folder = S_ISDIR(status.st_mode);
    if (is_folder && never_.contains({status.st_dev, status.st_ino})) return;
    if (IsLeft(path, is_folder)) {
      if (name != "__pycache__") walk_.left.push_back(path);
      return;
    }
    if (is_folder) {
      walk_.files.push_back({{CodeKind::kFolder, path, {}, 0}, {}});
      return Enter(path);
    }
    if (S_ISLNK(status.st_mode)) return AddLink(path);
    if (S_ISREG(status.st_mode)) return AddFile(path, status);
    ++walk_.no_files;
    walk_.left.push_back(path);
  }

  void AddLink(const std::string& path) {
    std::array<char, kLongestTarget> target{};
    const ssize_t size = ::readlink((workdir_ + "/" + path).c_str(), target.data(), target.size());
    const std::string_view text(target.data(),
                                static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (StaysInside(path, text)) {
      walk_.files.push_back({{CodeKind::kLink, path, std::string(text), 0}, {}});
      return;
    }
    ++walk_.links_out;
    walk_.left.push_back(path);
  }

  void AddFile(const std::string& path, const struct stat& status) {
    walk_.files.push_back({{KindOf(status), path, {}, status.st_size}, StampOf(status)});
    ++walk_.count;
    walk_.bytes += status.st_size;
    Part& part = parts_[path.substr(0, path.find('/'))];
    ++part.files;
    part.bytes += status.st_size;
    if (walk_.count > 2 * limits_.files) CheckLimits();  // enough was seen to name the largest
  }

  void CheckLimits() const {
    const bool has_many = walk_.count > limits_.files;
    if (!has_many && walk_.bytes <= limits_.bytes) return;
    std::vector<std::pair<std::int64_t, std::string>> largest;
    for (const auto& [name, part] : parts_) {
      largest.emplace_back(has_many ? part.files : part.bytes >> 20U, name);
    }
    std::ranges::sort(largest, std::greater<>());
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, largest.size()); ++i) {
      text += fmt::format("{}{} ({} {})", i == 0 ? "" : ", ", largest[i].second, largest[i].first,
                          has_many ? "files" : "MiB");
    }
    throw Error(
        fmt::format("a workdir of more than {} is not copied as code; the largest of it: {}",
                    has_many ? fmt::format("{} files", limits_.files)
                             : fmt::format("{} MiB", limits_.bytes >> 20U),
                    text),
        workdir_, kLeaveOut);
  }

  [[noreturn]] static void Refuse(const std::string& path) {
    throw SystemError("cannot read the code", path, kLeaveOut);
  }

  struct Part {
    std::int64_t files = 0;
    std::int64_t bytes = 0;
  };

  std::string workdir_;
  CodeLimits limits_;
  std::string prefix_;  // from the top of the repository to the workdir: "" or "a/b/"
  std::set<std::pair<dev_t, ino_t>> never_;
  std::vector<IgnoreRules> git_;  // from the top down to where the walk is
  std::vector<IgnoreRules> ddl_;
  std::map<std::string, Part> parts_;  // by the first name of a path
  CodeWalk walk_;
};

}  // namespace

CodeWalk WalkCode(const std::string& workdir, const std::vector<std::string>& never,
                  const CodeLimits& limits) {
  return CodeWalker(workdir, never, limits).Walk();
}

CodeWalk WalkFiles(const std::map<std::string, std::string>& files,
                   const std::map<std::string, std::string>& libraries) {
  CodeWalk walk;
  std::set<std::string> folders;
  const auto add = [&](const std::string& path, const std::string& place, bool is_library) {
    for (std::size_t i = path.find('/'); i != std::string::npos; i = path.find('/', i + 1)) {
      folders.insert(path.substr(0, i));
    }
    ++walk.count;
    struct stat status{};
    if (is_library && place.empty()) {
      walk.files.push_back({{CodeKind::kLibrary, path, {}, 0}, {}});
      return;
    }
    if (::lstat(place.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
      throw SystemError("cannot read what is to be sent", place, "is it there?");
    }
    const CodeKind kind = is_library ? CodeKind::kLibrary : KindOf(status);
    walk.files.push_back({{kind, path, {}, status.st_size}, StampOf(status)});
    walk.bytes += status.st_size;
  };
  for (const auto& [path, place] : files) {
    add(path, place, false);
  }
  for (const auto& [path, place] : libraries) {
    add(path, place, true);
  }
  for (const std::string& folder : folders) {
    walk.files.push_back({{CodeKind::kFolder, folder, {}, 0}, {}});
  }
  std::ranges::sort(walk.files, {}, [](const WalkedFile& file) { return file.entry.path; });
  return walk;
}

FileStamp StampOf(const struct stat& status) {
  return {status.st_size, NanosecondsOf(status.st_mtim), NanosecondsOf(status.st_ctim),
          status.st_ino};
}

}  // namespace ddl
