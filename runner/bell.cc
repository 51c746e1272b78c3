// SPDX-License-Identifier: Apache-2.0
#include "runner/bell.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ddl {

namespace {

constexpr std::string_view kLetters = "smxbrn";

}  // namespace

std::string FormatBellLine(const BellLine& line) {
  std::string text =
      fmt::format("{} {}.{}", static_cast<char>(line.news), line.id.job.value, line.id.rank);
  if (!line.text.empty()) text += " " + line.text;
  std::ranges::replace(text, '\n', ' ');
  text.resize(std::min(text.size(), kMaxBellLine - 1));
  return text + "\n";
}

std::optional<BellLine> ParseBellLine(std::string_view line) {
  if (line.size() < 5 || kLetters.find(line[0]) == std::string_view::npos || line[1] != ' ') {
    return std::nullopt;
  }
  BellLine parsed{.news = static_cast<News>(line[0])};
  const char* end = line.data() + line.size();
  const auto job = std::from_chars(line.data() + 2, end, parsed.id.job.value);
  if (job.ec != std::errc() || job.ptr == end || *job.ptr != '.') return std::nullopt;
  const auto rank = std::from_chars(job.ptr + 1, end, parsed.id.rank);
  if (rank.ec != std::errc() || (rank.ptr != end && *rank.ptr != ' ')) return std::nullopt;
  if (rank.ptr != end) parsed.text.assign(rank.ptr + 1, end);
  return parsed;
}

bool Bell::Open() {
  fd_ = OpenFile(path_, O_WRONLY | O_NONBLOCK);
  return static_cast<bool>(fd_);
}

bool Bell::Ring(const BellLine& line) {
  const std::string text = FormatBellLine(line);
  for (int round = 0; round < 2; ++round) {
    if (!fd_ && !Open()) return true;  // nobody listens
    if (::write(fd_.Get(), text.data(), text.size()) >= 0) return true;
    if (errno == EAGAIN) return false;
    fd_.Reset();  // the agent that listened is gone; perhaps there is another
  }
  return true;
}

}  // namespace ddl
