// SPDX-License-Identifier: Apache-2.0
#include "runner/rank_record.h"

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

bool WriteAt(const FileDescriptor& file, std::string_view text, std::size_t offset) {
  while (file && !text.empty()) {
    const ssize_t written =
        ::pwrite(file.Get(), text.data(), text.size(), static_cast<off_t>(offset));
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
  return static_cast<bool>(file);
}

RankRecord ParseRankRecord(std::string_view text, bool has_ended) {
  RankRecord record;
  const std::size_t end = text.find('\n');
  record.start = StartRecordFromJson(text.substr(0, end));
  if (has_ended && end != std::string_view::npos) {
    record.exit = ExitRecordFromJson(text.substr(end + 1));
  }
  return record;
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
  const std::string text = ToJsonText(start_) + "\n";
  start_bytes_ = text.size();  // it only grows: a pid has more digits than 0
  return WriteAt(file_, text, 0);
}

bool RankRecordFile::WriteExit(const ExitRecord& record) {
  return WriteAt(file_, ToJsonText(record) + "\n", start_bytes_) &&
         ::rename((folder_ + kStart).c_str(), (folder_ + kExit).c_str()) == 0;
}

RankRecord ReadRankRecord(const std::string& job_folder) {
  if (const auto text = ReadFile(job_folder + kExit)) return ParseRankRecord(*text, true);
  if (const auto text = ReadFile(job_folder + kStart)) return ParseRankRecord(*text, false);
  // Renamed between the two looks.
  if (const auto text = ReadFile(job_folder + kExit)) return ParseRankRecord(*text, true);
  return {};
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
