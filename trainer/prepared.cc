// SPDX-License-Identifier: Apache-2.0
#include "trainer/prepared.h"

#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "trainer/packed_file.h"
#include "trainer/packed_layout.h"

namespace ddl {

namespace {

namespace fs = std::filesystem;

// Raised where a reader makes other rows of the same files than before.
constexpr int kReaders = 2;

// FNV-1a.
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return hash;
}

// Held while one process prepares; the others wait and find it done. Gone with the process.
class FileLock {
 public:
  explicit FileLock(const fs::path& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0) {
      throw SystemError("cannot lock", path.string(), "name another folder by DDL_CACHE");
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { close(fd_); }

 private:
  int fd_;
};

}  // namespace

std::string SourceKey(const std::string& configuration, const std::vector<std::string>& files) {
  std::string key = fmt::format("v{}.{} {}", kPackedVersion, kReaders, configuration);
  for (const std::string& file : files) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) continue;  // its reader will say so
    key += fmt::format("\n{} {} {}.{:09}", fs::absolute(file).string(), status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  }
  return key;
}

std::optional<Dataset> MapPrepared(const fs::path& path) {
  std::variant<Dataset, DamagedData> mapped = MapPacked(path);
  if (auto* set = std::get_if<Dataset>(&mapped)) return std::move(*set);
  return std::nullopt;
}

// Two hashes of the key, as nothing else of it is kept.
std::string PreparedName(const std::string& key) {
  return fmt::format("data-{:016x}{:08x}.ddl", HashOf(key), PackedCrc(key));
}

Dataset LoadPrepared(const fs::path& cache, const std::string& key, const OpenRecords& open) {
  if (cache.empty()) return KeepInMemory(ReadAll(*open()));
  const fs::path path = cache / PreparedName(key);
  if (std::optional<Dataset> found = MapPrepared(path)) return *std::move(found);
  try {
    fs::create_directories(cache);
    const FileLock lock(path.string() + ".lock");
    if (std::optional<Dataset> found = MapPrepared(path)) return *std::move(found);
    WritePacked(path, *open());
  } catch (const fs::filesystem_error& problem) {
    fmt::print(stderr, "note: prepared data cannot be kept: {}\n", problem.what());
  } catch (const Error& problem) {
    if (problem.Kind() != ErrorKind::kInfrastructure) throw;
    fmt::print(stderr, "note: prepared data cannot be kept: {}\n", problem.what());
  }
  if (std::optional<Dataset> made = MapPrepared(path)) return *std::move(made);
  return KeepInMemory(ReadAll(*open()));
}

}  // namespace ddl
