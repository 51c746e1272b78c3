// SPDX-License-Identifier: Apache-2.0
#include "cli/trial_output.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace ddl {

namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  return text.str();
}

}  // namespace

std::string ReadTrialOutput(const AttemptLine& attempt, std::int64_t limit) {
  std::string text = ReadWhole(attempt.job_folder + "/log");
  const std::string tail = ReadWhole(attempt.job_folder + "/log.tail");
  const auto kept = static_cast<std::int64_t>(text.size() + tail.size());
  if (!tail.empty() && attempt.log_bytes > kept) {
    text += fmt::format("\n[ddl] {} bytes are not kept\n", attempt.log_bytes - kept);
  }
  text += tail;
  if (limit > 0 && std::ssize(text) > limit)
    text.erase(0, text.size() - static_cast<std::size_t>(limit));
  return text;
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
