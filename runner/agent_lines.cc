// SPDX-License-Identifier: Apache-2.0
#include "runner/agent_lines.h"

#include <array>

namespace ddl {

namespace {
constexpr std::size_t kLongestLine = std::size_t{1} << 20U;
}  // namespace

std::optional<std::string> AgentLines::Next(const Patience& patience) {
  while (true) {
    if (const std::size_t end = rest_.find('\n'); end != std::string::npos) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      return line;
    }
    std::array<char, 8192> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): Read fills it
    const std::size_t got = channel_.Read(piece);
    rest_.append(piece.data(), got);
    if (rest_.size() >= kLongestLine) return std::nullopt;
    const std::size_t said = unsaid_.empty() || got > 0 ? 0 : channel_.Write(unsaid_);
    unsaid_.erase(0, said);
    if (got > 0 || said > 0) continue;
    if (channel_.HasEnded()) return std::nullopt;
    if (!patience.Wait(channel_.Descriptor(), channel_.Events())) return std::nullopt;
  }
}

}  // namespace ddl
