// SPDX-License-Identifier: Apache-2.0
#include "runner/rank_record.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "runner/process.h"
#include "runner/records.h"

namespace ddl {

namespace {

constexpr const char* kStart = "/start.json";
constexpr const char* kExit = "/exit.json";
constexpr const char* kSettled = "/settled.json";

RankRecord ParseRankRecord(std::string_view text, bool has_ended) {
  RankRecord record;
  const std::size_t end = text.find('\n');
  record.start = StartRecordFromJson(text.substr(0, end));
  if (has_ended && end != std::string_view::npos) {
    record.exit = ExitRecordFromJson(text.substr(end + 1));
  }
  return record;
}

// No supervisor wrote so much; whose rank it is may stand in its first line all the same.
std::string BeginningOf(const std::string& path) {
  std::string text(std::size_t{64} << 10U, '\0');
  const FileDescriptor file = OpenFile(path, O_RDONLY);
  const std::int64_t got = ReadAllAt(file.Get(), text, 0);
  text.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, got)));
  return text;
}

}  // namespace

RankRecordFile::RankRecordFile(const LaunchRecord& launch, std::string job_folder)
    : folder_(std::move(job_folder)),
      file_(OpenFile(folder_ + kStart, O_WRONLY | O_CREAT | O_EXCL)),
      start_{.id = launch.id, .token = launch.token} {
  start_.supervisor = IdentityOf(::getpid()).value_or(ProcessIdentity{});
}

bool RankRecordFile::WriteStart(pid_t trial) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  start_.pid = trial;
  start_.started_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return Write(ToJsonText(start_) + "\n");
}

// The first line once more: the disk may have refused it when the pid became known.
bool RankRecordFile::WriteExit(const ExitRecord& record) {
  return Write(ToJsonText(start_) + "\n" + ToJsonText(record) + "\n") &&
         ::rename((folder_ + kStart).c_str(), (folder_ + kExit).c_str()) == 0;
}

bool RankRecordFile::Write(std::string_view text) {
  return file_ && WriteAllAt(file_.Get(), text, 0);
}

RankRecord ReadRankRecord(const std::string& job_folder) {
  RankRecord record;
  // The exit twice: it may be renamed between the two looks.
  for (const char* name : {kExit, kStart, kExit}) {
    const std::string path = job_folder + name;
    if (const auto text = ReadFile(path)) return ParseRankRecord(*text, name == kExit);
    if (errno == EFBIG) return ParseRankRecord(BeginningOf(path), false);
    record.is_unreadable = errno != ENOENT && errno != ENOTDIR;
    if (record.is_unreadable) break;
  }
  return record;
}

bool SettleRankRecord(const std::string& job_folder) {
  return ::rename((job_folder + kExit).c_str(), (job_folder + kSettled).c_str()) == 0;
}

void SettleLostRank(const std::string& job_folder) {
  ::rename((job_folder + kStart).c_str(), (job_folder + kSettled).c_str());
}

bool IsSettled(const std::string& job_folder) {
  return ::access((job_folder + kSettled).c_str(), F_OK) == 0;
}

}  // namespace ddl
