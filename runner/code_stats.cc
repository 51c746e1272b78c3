// SPDX-License-Identifier: Apache-2.0
#include "runner/code_stats.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "runner/file.h"

namespace ddl {

namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

constexpr std::chrono::seconds kSettledAfter{2};
constexpr std::size_t kMostStats = std::size_t{1} << 30U;
constexpr std::size_t kHashSize = 64;

// "SIZE MTIME CTIME INODE HASH PATH", ended by a NUL.
template <class Number>
bool TakeNumber(std::string_view& line, Number& number) {
  const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), number);
  const auto used = static_cast<std::size_t>(end - line.data());
  if (problem != std::errc() || used >= line.size() || line[used] != ' ') return false;
  line.remove_prefix(used + 1);
  return true;
}

}  // namespace

CodeStats CodeStats::Read(const std::string& path) {
  CodeStats stats;
  const std::optional<std::string> text = ReadFile(path, kMostStats);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    Known known;
    const bool is_read = TakeNumber(line, known.stamp.size) &&
                         TakeNumber(line, known.stamp.mtime_ns) &&
                         TakeNumber(line, known.stamp.ctime_ns) &&
                         TakeNumber(line, known.stamp.inode) && line.size() > kHashSize + 1;
    if (!is_read || !IsCodeName(line.substr(0, kHashSize))) return {};
    known.hash = line.substr(0, kHashSize);
    stats.known_.emplace(line.substr(kHashSize + 1), std::move(known));
  }
  return stats;
}

void CodeStats::Add(const WalkedFile& file, system_clock::time_point hashed_at) {
  const nanoseconds settled =
      std::chrono::duration_cast<nanoseconds>((hashed_at - kSettledAfter).time_since_epoch());
  const std::int64_t changed = std::max(file.stamp.mtime_ns, file.stamp.ctime_ns);
  if (changed < settled.count()) known_[file.entry.path] = {file.stamp, file.entry.content};
}

std::optional<std::string> CodeStats::Find(const WalkedFile& file) const {
  const auto found = known_.find(file.entry.path);
  if (found == known_.end() || found->second.stamp != file.stamp) return std::nullopt;
  return found->second.hash;
}

void CodeStats::Write(const std::string& path) const {
  std::string text;
  for (const auto& [name, known] : known_) {
    for (const std::int64_t number :
         {known.stamp.size, known.stamp.mtime_ns, known.stamp.ctime_ns}) {
      text += std::to_string(number) + " ";
    }
    text += std::to_string(known.stamp.inode) + " ";
    text.append(known.hash).append(" ").append(name).append(1, '\0');
  }
  (void)WriteFileAtomically(path, text);
}

}  // namespace ddl
