// SPDX-License-Identifier: Apache-2.0
#include "runner/remote_files.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "runner/file_stream.h"
#include "runner/remote_agent.h"
#include "runner/ssh_session.h"
#include "runner/ssh_target.h"
#include "runner/wakeup.h"

namespace ddl {

namespace {

constexpr std::chrono::seconds kConnectTime{30};
constexpr std::chrono::seconds kLookAgain{5};  // at a line on which nothing comes
// Nothing else is ever asked for, and a shell takes none of these for something else.
bool IsPlainPath(const std::string& path) {
  return !path.empty() && std::ranges::all_of(path, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '-' || c == '_';
  });
}

std::string ReadArguments(const RemoteFile& file) {
  return fmt::format("read {} --offset {}{}", file.path, file.offset,
                     file.follow ? " --follow" : "");
}

}  // namespace

struct RemoteFiles::Connection {
  Wakeup wakeup;
  std::string agent_path;
  std::optional<SshSession> session;
};

RemoteFiles::RemoteFiles(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
RemoteFiles::RemoteFiles(RemoteFiles&&) noexcept = default;
RemoteFiles& RemoteFiles::operator=(RemoteFiles&&) noexcept = default;
RemoteFiles::~RemoteFiles() = default;

std::variant<RemoteFiles, SshProblem> RemoteFiles::Open(const SshAddress& address,
                                                        const std::string& agent_path) {
  auto connection = std::make_unique<Connection>();
  connection->agent_path = agent_path;
  if (!connection->wakeup) return SshProblem{"no more descriptors", "raise the limit: ulimit -n"};
  std::optional<SshRoute> route;
  try {
    route = ResolveSshRoute(address, FindSshHome());
  } catch (const Error& problem) {
    return SshProblem{problem.Message(), problem.Hint()};
  }
  auto opened =
      SshSession::Open(*route, Patience(connection->wakeup, std::stop_token(), kConnectTime));
  if (auto* problem = std::get_if<SshProblem>(&opened)) return std::move(*problem);
  connection->session = std::get<SshSession>(std::move(opened));
  return RemoteFiles(std::move(connection));
}

std::optional<SshProblem> RemoteFiles::Read(const RemoteFile& file,
                                            const std::function<void(std::string_view)>& take) {
  if (!IsPlainPath(file.path)) return SshProblem{file.path + " is no path of a job", "look there"};
  const Patience patience(connection_->wakeup, std::stop_token(), kConnectTime);
  auto started = StartRemoteAgent(*connection_->session, connection_->agent_path, patience,
                                  ReadArguments(file));
  if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
  RemoteAgent& agent = std::get<RemoteAgent>(started);
  take(agent.first_bytes);
  std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): Read fills it
  while (true) {
    const std::size_t got = agent.channel.Read(piece);
    if (got > 0) take({piece.data(), got});
    if (got > 0) continue;
    if (agent.channel.HasEnded()) break;
    // A follower may have nothing to tell for hours.
    const Patience turn(connection_->wakeup, std::stop_token(), kLookAgain);
    (void)turn.Wait(agent.channel.Descriptor(), agent.channel.Events());
  }
  const int code = agent.channel.ExitCode(patience.Renewed());
  if (code == 0 || code == kNoSuchFile) return std::nullopt;
  return SshProblem{code < 0 ? "the connection is gone" : "the file cannot be read", {}};
}

}  // namespace ddl
