// SPDX-License-Identifier: Apache-2.0
#include "cli/trial_output.h"

#include <algorithm>

#include <fmt/format.h>

#include "runner/kept_log.h"
#include "runner/removal.h"

namespace ddl {

std::string ReadTrialOutput(const AttemptLine& attempt, std::int64_t limit) {
  return JoinTrialOutput(ReadKeptLog(attempt.job_folder), attempt, limit);
}

std::string JoinTrialOutput(const KeptLog& kept, const AttemptLine& attempt, std::int64_t limit) {
  const auto bytes = static_cast<std::int64_t>(kept.head.size() + kept.tail.size());
  std::string text = kept.head;
  if (kept.is_damaged) text += "\n[ddl] a compressed part is damaged and not shown\n";
  const bool is_there = attempt.host != "local" || FateOf(attempt.job_folder) == FolderFate::kThere;
  if (is_there && !kept.is_damaged && attempt.log_bytes > bytes) {
    text += fmt::format("\n[ddl] {} bytes are not kept\n", attempt.log_bytes - bytes);
  }
  text += kept.tail;
  if (limit > 0 && std::ssize(text) > limit) {
    text.erase(0, text.size() - static_cast<std::size_t>(limit));
  }
  return text;
}

std::string WhyFolderIsGone(const AttemptLine& attempt) {
  if (attempt.job_folder.empty()) return {};
  switch (FateOf(attempt.job_folder)) {
    case FolderFate::kThere:
      return {};
    case FolderFate::kRemoved:
      return "removed by ddl gc";
    case FolderFate::kGone:
      // The folder comes with the rank's start.
      return attempt.started_ms == 0 ? std::string() : "gone, and not by ddl";
  }
  return {};
}

std::string LastLines(const std::string& text, std::int64_t lines) {
  if (lines <= 0) return text;
  std::size_t begin = text.size();
  if (begin > 0 && text[begin - 1] == '\n') --begin;
  for (; lines > 0; --lines) {
    const std::size_t end = begin == 0 ? std::string::npos : text.rfind('\n', begin - 1);
    if (end == std::string::npos) return text;
    begin = end;
  }
  return text.substr(begin + 1);
}

}  // namespace ddl
