// SPDX-License-Identifier: Apache-2.0
#include "runner/remote_files.h"

#include <array>
#include <chrono>
#include <variant>

#include <fmt/format.h>

#include "runner/file_stream.h"

namespace ddl {

namespace {

constexpr std::chrono::seconds kLookAgain{5};  // at a line on which nothing comes

std::string ReadArguments(const RemoteFile& file) {
  return fmt::format("read {} --offset {}{}", file.path, file.offset,
                     file.follow ? " --follow" : "");
}

}  // namespace

std::optional<SshProblem> ReadRemoteFile(HostSession& host, const RemoteFile& file,
                                         const std::function<void(std::string_view)>& take) {
  if (!IsPlainWord(file.path)) return SshProblem{file.path + " is no path of a job", "look there"};
  auto started = host.Start(ReadArguments(file));
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  RemoteAgent& agent = std::get<RemoteAgent>(started);
  take(agent.first_bytes);
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): Read fills it
  while (true) {
    const std::size_t got = agent.channel.Read(piece);
    if (got > 0) take({piece.data(), got});
    if (got > 0) continue;
    if (agent.channel.HasEnded()) break;
    // A follower may have nothing to tell for hours; a connection that is broken ends by itself.
    const Patience patience = file.follow ? host.For(kLookAgain) : host.Usual();
    const bool is_there = patience.Wait(agent.channel.Descriptor(), agent.channel.Events());
    if (!is_there && !file.follow) return SshProblem{"it does not answer", {}};
    if (!is_there) take({});
  }
  const int code = agent.channel.ExitCode(host.Usual());
  if (code == 0 || code == kNoSuchFile) return std::nullopt;
  return SshProblem{code < 0 ? "the connection is gone" : "the file cannot be read", {}};
}

}  // namespace ddl
