// SPDX-License-Identifier: Apache-2.0
#include "runner/leases.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::int64_t kBytesPerDevice = 1000;
constexpr std::size_t kLineBytes = 128;

struct Range {
  std::int64_t first = 0;
  std::int64_t length = 0;
  auto operator<=>(const Range&) const = default;
};

// Ranges to lock, by file name.
using Wanted = std::map<std::string, std::vector<Range>>;

Range RangeOf(const CoreShare& share) {
  return {.first = share.core * kBytesPerDevice + share.first, .length = share.length};
}

Range RangeOf(const GpuShare& share) {
  return {.first = share.first, .length = share.length};
}

std::string GpuFile(const GpuShare& share) {
  return "gpu-" + share.uuid;
}

// In ascending order, neighbours joined: one lock and one line for cores 0-3, and the kernel, which
// joins neighbouring locks too, names the range by the byte where the line is.
std::vector<Range> Joined(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<Range> joined;
  for (const Range& range : ranges) {
    if (!joined.empty() && joined.back().first + joined.back().length == range.first) {
      joined.back().length += range.length;
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

Wanted FilesAndRanges(const Slots& slots) {
  Wanted wanted;
  for (const CoreShare& share : slots.cores) {
    wanted["cores"].push_back(RangeOf(share));
  }
  for (const GpuShare& share : slots.gpus) {
    wanted[GpuFile(share)].push_back(RangeOf(share));
  }
  for (auto& [name, ranges] : wanted) {
    ranges = Joined(std::move(ranges));
  }
  return wanted;
}

struct flock WriteLock(const Range& range) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = range.first;
  lock.l_len = range.length;
  return lock;
}

// Creating with O_EXCL and opening without O_CREAT: in a sticky folder the kernel refuses O_CREAT
// on another user's file (fs.protected_regular). Links of others are never followed.
FileDescriptor OpenLeaseFile(const std::string& path) {
  for (int turn = 0; turn < 3; ++turn) {
    FileDescriptor file = OpenFile(path, O_RDWR | O_NOFOLLOW);
    if (file || errno != ENOENT) return file;
    file = OpenFile(path, O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL, 0666);
    if (file) ::fchmod(file.Get(), 0666);  // the umask took bits away
    if (file || errno != EEXIST) return file;
  }
  return {};
}

FileDescriptor OpenInFolder(const std::string& folder, const std::string& name) {
  FileDescriptor file = OpenLeaseFile(folder + "/" + name);
  if (file || errno != ENOENT) return file;
  if (::mkdir(folder.c_str(), 0777) == 0) ::chmod(folder.c_str(), 01777);
  return OpenLeaseFile(folder + "/" + name);
}

// Shared with other users, who may write anything there: only plain characters get through.
std::string ReadLine(int file, std::int64_t first) {
  std::string line(kLineBytes, '\0');
  const auto offset = first * static_cast<std::int64_t>(kLineBytes);
  if (::pread(file, line.data(), line.size(), offset) <= 0) return {};
  line.resize(std::min(line.find('\0'), line.size()));
  for (char& c : line) {
    if (std::isprint(static_cast<unsigned char>(c)) == 0) c = '?';
  }
  return line;
}

void WriteLine(int file, std::int64_t first, std::string_view text) {
  std::string line(text.substr(0, kLineBytes - 1));
  line.push_back('\0');
  // Without the line the lease holds all the same; only its owner is not told.
  [[maybe_unused]] const ssize_t written =
      ::pwrite(file, line.data(), line.size(), first * static_cast<std::int64_t>(kLineBytes));
}

// The line of whoever holds a part of the range; nullopt when it is free.
std::optional<std::string> HolderOf(int file, const Range& range) {
  struct flock lock = WriteLock(range);
  if (::fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  std::string line = ReadLine(file, lock.l_start);
  return line.empty() ? "a process that does not say its name" : line;
}

LeaseProblem Problem(std::string_view doing, const std::string& folder, const std::string& name) {
  return {fmt::format("cannot {} lease file {}/{}: {}", doing, folder, name, std::strerror(errno))};
}

template <class Share>
void NoteRefused(int file, const Share& share, const std::string& device,
                 std::pair<std::vector<Share>*, LeaseRefusal*> into) {
  const std::optional<std::string> line = HolderOf(file, RangeOf(share));
  if (!line) return;
  into.first->push_back(share);
  if (into.second->holder.empty()) into.second->holder = device + ": " + *line;
}

// Looks at every share, so that the scheduler learns of all at once.
LeaseRefusal Refusal(const std::string& folder, const Slots& slots) {
  LeaseRefusal refusal;
  if (!slots.cores.empty()) {
    const FileDescriptor file = OpenInFolder(folder, "cores");
    for (const CoreShare& share : slots.cores) {
      NoteRefused(file.Get(), share, fmt::format("core {}", share.core),
                  {&refusal.cores, &refusal});
    }
  }
  for (const GpuShare& share : slots.gpus) {
    const FileDescriptor file = OpenInFolder(folder, GpuFile(share));
    NoteRefused(file.Get(), share, fmt::format("gpu {}", share.index), {&refusal.gpus, &refusal});
  }
  // Given back meanwhile: whoever asked may ask again.
  if (refusal.holder.empty()) refusal.holder = "a process that has just ended";
  return refusal;
}

std::optional<std::int64_t> NumberAfter(std::string_view& text, std::string_view word) {
  const std::size_t place = text.find(word);
  if (place == std::string_view::npos) return std::nullopt;
  text.remove_prefix(place + word.size());
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::string LeasesFolder() {
  const char* chosen = std::getenv("DDL_LEASE_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/var/tmp/ddl-leases";
}

std::string FormatHolder(const LeaseHolder& holder) {
  return fmt::format("job {}.{} of store {}, user {}, pid {}, sweep {}", holder.id.job.value,
                     holder.id.rank, holder.store_id, holder.user, holder.pid, holder.sweep);
}

std::optional<LeaseHolder> ParseHolder(std::string_view text) {
  const auto job = NumberAfter(text, "job ");
  const auto rank = job ? NumberAfter(text, ".") : std::nullopt;
  if (!rank || !text.starts_with(" of store ")) return std::nullopt;
  text.remove_prefix(std::string_view(" of store ").size());
  LeaseHolder holder{.store_id = std::string(text.substr(0, text.find(','))),
                     .id = {.job = JobId{*job}, .rank = static_cast<int>(*rank)},
                     .sweep = {}};
  const auto user = NumberAfter(text, ", user ");
  const auto pid = user ? NumberAfter(text, ", pid ") : std::nullopt;
  if (!pid) return std::nullopt;
  holder.user = *user;
  holder.pid = *pid;
  const std::string_view sweep_word = ", sweep ";
  if (text.starts_with(sweep_word)) holder.sweep = text.substr(sweep_word.size());
  return holder;
}

std::variant<Leases, LeaseRefusal, LeaseProblem> TakeLeases(const std::string& folder,
                                                            const Slots& slots,
                                                            LeaseHolder holder) {
  holder.user = static_cast<std::int64_t>(::geteuid());
  holder.pid = ::getpid();
  const std::string line = FormatHolder(holder);
  std::vector<FileDescriptor> files;
  for (const auto& [name, ranges] : FilesAndRanges(slots)) {
    FileDescriptor file = OpenInFolder(folder, name);
    if (!file) return Problem("open", folder, name);
    for (const Range& range : ranges) {
      struct flock lock = WriteLock(range);
      if (::fcntl(file.Get(), F_OFD_SETLK, &lock) != 0) {
        const bool is_held = errno == EAGAIN || errno == EACCES;
        if (!is_held) return Problem("lock", folder, name);
        files.clear();
        file.Reset();
        return Refusal(folder, slots);
      }
      WriteLine(file.Get(), range.first, line);
    }
    files.push_back(std::move(file));
  }
  return Leases(std::move(files));
}

}  // namespace ddl
