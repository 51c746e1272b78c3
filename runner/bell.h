// SPDX-License-Identifier: Apache-2.0
// The bell: a FIFO through which supervisors tell the agent that something lies in a folder. One
// line a ring, written at once. A ring that nobody hears is normal: the next agent reads the
// folders.
//
//   LETTER JOB.RANK[ TEXT]\n        for example "x 17.0" or "n 17.0 metrics wait: ..."
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "configs/ids.h"
#include "runner/file.h"

namespace ddl {

enum class News : char {
  kStarted = 's',  // start.json is complete
  kMetrics = 'm',  // the spool has grown
  kExited = 'x',   // exit.json is there, the supervisor leaves
  kBusy = 'b',     // JOB.RANK.busy is there, nothing was started
  kRefused = 'r',  // nothing was started, no folder is left; the text is "TOKEN REASON"
  kNotice = 'n',   // the text is for the user's screen
};

struct BellLine {
  News news = News::kMetrics;
  RankId id;
  std::string text;
  bool operator==(const BellLine&) const = default;
};

// At most kMaxBellLine bytes with the line feed; a longer text is cut, line feeds become blanks.
inline constexpr std::size_t kMaxBellLine = 512;
[[nodiscard]] std::string FormatBellLine(const BellLine& line);
// `line` comes without its line feed; nullopt when it is none of ours.
[[nodiscard]] std::optional<BellLine> ParseBellLine(std::string_view line);

// The ringing side. Opened at the first ring and kept; opened again when the agent changed.
class Bell {
 public:
  explicit Bell(std::string path) : path_(std::move(path)) {}
  // False when the pipe is full: the agent is there but behind, ring again later. True when the
  // line was written or nobody listens.
  bool Ring(const BellLine& line);

 private:
  bool Open();
  std::string path_;
  FileDescriptor fd_;
};

}  // namespace ddl
