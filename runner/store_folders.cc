// SPDX-License-Identifier: Apache-2.0
#include "runner/store_folders.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "runner/code_manifest.h"
#include "runner/code_tree.h"
#include "runner/rank_record.h"

namespace ddl {

namespace {

constexpr std::array kKinds{"jobs", "checkpoints", "code"};
constexpr std::size_t kLongestOrder = 4096;

// KIND/NAME with a name that stays in its folder.
bool IsStoreFolder(std::string_view folder) {
  const std::size_t slash = folder.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view name = folder.substr(slash + 1);
  const bool is_plain = std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
  return std::ranges::find(kKinds, folder.substr(0, slash)) != kKinds.end() && is_plain &&
         !name.empty() && !name.starts_with('.');
}

std::optional<StoreFolder> LookAt(const HostPaths& paths, const std::string& name) {
  const std::string path = paths.Store() + "/" + name;
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  const std::int64_t age = std::time(nullptr) - std::int64_t{status.st_mtim.tv_sec};
  return StoreFolder{.name = name,
                     .size = SizeOf(path),
                     .is_settled = name.starts_with("jobs/") && IsSettled(path),
                     .age_s = std::max<std::int64_t>(age, 0)};
}

std::string Obey(const HostPaths& paths, std::string_view order) {
  const std::size_t blank = order.find(' ');
  const std::string_view verb = order.substr(0, blank);
  const std::string folder(blank == std::string_view::npos ? "" : order.substr(blank + 1));
  if (!IsStoreFolder(folder)) return "refused";
  // A snapshot is not taken away amid being put together.
  FileDescriptor code_lock;
  if (folder.starts_with("code/")) {
    code_lock = CodeTree::Lock(paths.Code());
    if (!code_lock) return "refused";
  }
  if (verb == "aside") {
    if (SetAside(paths, folder)) return "done";
    return errno == ENOENT ? "gone" : "refused";
  }
  if (verb == "back") return PutBack(paths, folder) ? "done" : "refused";
  if (verb == "remove") return RemoveAside(paths, folder) ? "done" : "refused";
  return "refused";
}

}  // namespace

std::string FolderLine(const StoreFolder& folder) {
  return std::to_string(folder.size.files) + " " + std::to_string(folder.size.bytes) + " " +
         (folder.is_settled ? "1 " : "0 ") + std::to_string(folder.age_s) + " " + folder.name;
}

std::optional<StoreFolder> ParseFolderLine(std::string_view line) {
  StoreFolder folder;
  std::int64_t settled = 0;
  for (std::int64_t* field : {&folder.size.files, &folder.size.bytes, &settled, &folder.age_s}) {
    const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), *field);
    if (problem != std::errc() || *field < 0) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (!line.starts_with(' ')) return std::nullopt;
    line.remove_prefix(1);
  }
  if (!IsStoreFolder(line)) return std::nullopt;
  folder.is_settled = settled == 1;
  folder.name = line;
  return folder;
}

int ListFolders(const HostPaths& paths, int out) {
  std::string lines;
  for (const std::string kind : kKinds) {
    std::vector<std::string> names = ListFolder(paths.Store() + "/" + kind);
    std::ranges::sort(names);
    for (const std::string& name : names) {
      const std::string folder = kind + "/" + name;
      if (const auto found = IsStoreFolder(folder) ? LookAt(paths, folder) : std::nullopt) {
        lines += FolderLine(*found) + "\n";
      }
    }
  }
  return WriteAll(out, lines + "end\n") ? 0 : 1;
}

int ObeyRemovals(const HostPaths& paths, int in, int out) {
  const std::optional<FileDescriptor> lock = LockForRemoval(paths);
  if (!lock) return WriteAll(out, "busy\n") ? 0 : 1;
  FinishRemovals(paths);
  if (!WriteAll(out, "ready\n")) return 1;
  std::string orders;
  while (true) {
    std::array<char, 4096> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
    const ssize_t got = ::read(in, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    orders.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end = orders.find('\n'); end != std::string::npos; end = orders.find('\n')) {
      const std::string answer = Obey(paths, std::string_view(orders).substr(0, end));
      orders.erase(0, end + 1);
      if (!WriteAll(out, answer + "\n")) return 1;
    }
    if (orders.size() > kLongestOrder) break;
  }
  FinishRemovals(paths);  // what was set aside and not decided comes back
  return 0;
}

}  // namespace ddl
