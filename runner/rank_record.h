// SPDX-License-Identifier: Apache-2.0
// A rank's record on its host: one small file that its supervisor owns. It is called start.json
// while the rank lives, with one line; at the end a second line is appended and the file is renamed
// to exit.json, so that an exit is there whole or not at all; an agent renames it to settled.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "runner/file.h"
#include "runner/launch.h"

namespace ddl {

// The supervisor's side.
class RankRecordFile {
 public:
  // Makes start.json; the folder is claimed, so nobody else does.
  RankRecordFile(const LaunchRecord& launch, std::string job_folder);

  // Before the trial starts with pid 0, so that whoever finds the folder knows token and
  // supervisor; again once the pid is known. False when the disk refuses.
  [[nodiscard]] bool WriteStart(pid_t trial);
  // False when the disk refuses; call again then.
  [[nodiscard]] bool WriteExit(const ExitRecord& record);

 private:
  [[nodiscard]] bool Write(std::string_view text);

  std::string folder_;
  FileDescriptor file_;
  StartRecord start_;
};

// Anybody's side; without an exit the rank has not ended, or its supervisor died, or the record is
// damaged.
struct RankRecord {
  std::optional<StartRecord> start;
  std::optional<ExitRecord> exit;
  bool is_unreadable = false;  // the disk or the host refused us: what is missing may be there
};
[[nodiscard]] RankRecord ReadRankRecord(const std::string& job_folder);

// The database knows how it ended. False: it has no exit record.
[[nodiscard]] bool SettleRankRecord(const std::string& job_folder);
// The same for one whose supervisor was killed: its start record is all there will be.
void SettleLostRank(const std::string& job_folder);
[[nodiscard]] bool IsSettled(const std::string& job_folder);

}  // namespace ddl
