// SPDX-License-Identifier: Apache-2.0
// What a process asked of a disk, in order, and what a power failure after the n-th request may
// leave of it. The model is as strict as POSIX lets it be:
//   contents   a sync of the file keeps all that was written to it before; of later writes and
//              truncations any subset may be there, each write in any of its 512-byte sectors
//   names      a sync of the folder keeps all creations, renames and removals in it before; of
//   later
//              ones the first few may be there, in order, as a journal keeps them
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace ddl::power {

enum class Kind {
  kCreate,      // path becomes a name of file
  kMakeFolder,  // path
  kWrite,       // bytes at offset of file
  kTruncate,    // file to offset
  kSync,        // file
  kSyncFolder,  // path
  kRename,      // path becomes to
  kLink,        // to becomes another name of what path names
  kRemove,      // path
  kPromise,     // the product said that `offset` things are safe
};

struct Request {
  Kind kind = Kind::kWrite;
  int file = 0;
  std::int64_t offset = 0;
  std::string bytes = {};
  std::string path = {};
  std::string to = {};
};

inline std::string FolderOfName(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Replays requests one by one; Crash() makes what may be left at that moment.
class Disk {
 public:
  explicit Disk(std::string root) : root_(std::move(root)) { safe_names_[root_] = kFolder; }

  void Apply(const Request& request) {
    switch (request.kind) {
      case Kind::kWrite:
      case Kind::kTruncate:
        pending_[request.file].push_back(&request);
        return;
      case Kind::kSync:
        for (const Request* earlier : pending_[request.file])
          Change(safe_[request.file], *earlier);
        pending_[request.file].clear();
        return;
      case Kind::kSyncFolder:
        for (const Request* earlier : pending_names_[request.path])
          Rename(safe_names_, *earlier);
        pending_names_[request.path].clear();
        return;
      case Kind::kPromise:
        promised_ = request.offset;
        return;
      default:
        pending_names_[FolderOfName(request.kind == Kind::kLink ? request.to : request.path)]
            .push_back(&request);
    }
  }

  [[nodiscard]] std::int64_t Promised() const { return promised_; }

  // Writes below `image` what `chance` leaves; names under the root keep their place.
  void Crash(std::mt19937_64& chance, const std::string& image) const {
    std::filesystem::remove_all(image);
    std::filesystem::create_directories(image);
    static constexpr double kKept[] = {0.0, 0.1, 0.5, 0.9, 1.0};
    const double kept = kKept[chance() % std::size(kKept)];
    const bool tears = chance() % 2 == 0;
    std::map<std::string, int> names = safe_names_;
    for (const auto& [folder, requests] : pending_names_) {
      const std::size_t count = kept == 1.0   ? requests.size()
                                : kept == 0.0 ? 0
                                              : chance() % (requests.size() + 1);
      for (std::size_t i = 0; i < count; ++i)
        Rename(names, *requests[i]);
    }
    for (const auto& [name, file] : names) {
      if (!IsReachable(names, name)) continue;
      const std::string path = image + name.substr(root_.size());
      if (file == kFolder) {
        std::filesystem::create_directories(path);
      } else {
        std::ofstream(path, std::ios::binary) << Contents(file, kept, tears, chance);
      }
    }
  }

 private:
  static constexpr int kFolder = -1;
  static constexpr std::size_t kSector = 512;

  static void Change(std::string& contents, const Request& request) {
    const auto at = static_cast<std::size_t>(request.offset);
    if (request.kind == Kind::kTruncate) return contents.resize(at);
    if (contents.size() < at + request.bytes.size()) contents.resize(at + request.bytes.size());
    contents.replace(at, request.bytes.size(), request.bytes);
  }

  static void Rename(std::map<std::string, int>& names, const Request& request) {
    switch (request.kind) {
      case Kind::kCreate:
        names[request.path] = request.file;
        return;
      case Kind::kMakeFolder:
        names[request.path] = kFolder;
        return;
      case Kind::kRename: {
        const auto found = names.find(request.path);
        if (found == names.end()) return;
        names[request.to] = found->second;
        names.erase(request.path);
        return;
      }
      case Kind::kLink:
        if (names.contains(request.path)) names[request.to] = names.at(request.path);
        return;
      default:
        names.erase(request.path);
    }
  }

  bool IsReachable(const std::map<std::string, int>& names, const std::string& name) const {
    for (std::string folder = name; folder != root_; folder = FolderOfName(folder)) {
      if (!names.contains(folder)) return false;
    }
    return true;
  }

  std::string Contents(int file, double kept, bool tears, std::mt19937_64& chance) const {
    const auto safe = safe_.find(file);
    std::string contents = safe == safe_.end() ? std::string() : safe->second;
    const auto pending = pending_.find(file);
    if (pending == pending_.end()) return contents;
    std::uniform_real_distribution<double> draw(0.0, 1.0);
    for (const Request* request : pending->second) {
      if (request->kind == Kind::kWrite && tears && kept > 0.0 && kept < 1.0) {
        Tear(contents, *request, kept, chance);
      } else if (draw(chance) < kept) {
        Change(contents, *request);
      }
    }
    return contents;
  }

  // Each sector of the disk that the write touches is there or not.
  static void Tear(std::string& contents, const Request& request, double kept,
                   std::mt19937_64& chance) {
    std::uniform_real_distribution<double> draw(0.0, 1.0);
    const auto begin = static_cast<std::size_t>(request.offset);
    for (std::size_t done = 0; done < request.bytes.size();) {
      const std::size_t at = begin + done;
      const std::size_t length = std::min(kSector - at % kSector, request.bytes.size() - done);
      if (draw(chance) < kept) {
        Change(contents, {.kind = Kind::kWrite,
                          .offset = static_cast<std::int64_t>(at),
                          .bytes = request.bytes.substr(done, length)});
      }
      done += length;
    }
  }

  std::string root_;
  std::map<int, std::string> safe_;
  std::map<int, std::vector<const Request*>> pending_;
  std::map<std::string, int> safe_names_;
  std::map<std::string, std::vector<const Request*>> pending_names_;
  std::int64_t promised_ = 0;
};

}  // namespace ddl::power
