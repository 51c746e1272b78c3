// SPDX-License-Identifier: Apache-2.0
#include "runner/host_session.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "configs/ssh_address.h"
#include "runner/ssh_session.h"
#include "runner/ssh_target.h"

namespace ddl {

bool IsPlainWord(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '-' || c == '_';
  });
}

struct HostSession::Connection {
  explicit Connection(HostSessionOptions wanted)
      : options(std::move(wanted)), waker(options.stop, [this] { wakeup.Wake(); }) {}

  HostSessionOptions options;
  Wakeup wakeup;
  std::stop_callback<std::function<void()>> waker;
  std::optional<SshSession> session;
};

HostSession::HostSession(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
HostSession::HostSession(HostSession&&) noexcept = default;
HostSession& HostSession::operator=(HostSession&&) noexcept = default;
HostSession::~HostSession() = default;

std::variant<HostSession, SshProblem> HostSession::Open(HostSessionOptions options) {
  const auto address = ParseSshAddress(options.address);
  if (const auto* bad = std::get_if<BadAddress>(&address)) {
    return SshProblem{bad->why, "write ssh://[USER@]HOST[:PORT]"};
  }
  HostSession made(std::make_unique<Connection>(std::move(options)));
  if (!made.connection_->wakeup) {
    return SshProblem{"this process has no more descriptors", "raise the limit: ulimit -n"};
  }
  try {
    const SshRoute route = ResolveSshRoute(std::get<SshAddress>(address), FindSshHome());
    auto opened = SshSession::Open(route, made.Usual());
    if (auto* problem = std::get_if<SshProblem>(&opened)) return std::move(*problem);
    made.connection_->session = std::get<SshSession>(std::move(opened));
  } catch (const Error& problem) {
    const std::string where = problem.Where().empty() ? "" : fmt::format(" ({})", problem.Where());
    return SshProblem{problem.Message() + where, problem.Hint()};
  }
  return made;
}

std::variant<RemoteAgent, SshProblem> HostSession::Start(std::string_view arguments) {
  return StartRemoteAgent(*connection_->session, connection_->options.agent_path, Usual(),
                          arguments);
}

Patience HostSession::For(std::chrono::milliseconds limit) const {
  return {connection_->wakeup, connection_->options.stop, limit};
}

Patience HostSession::Usual() const {
  return For(connection_->options.patience);
}

}  // namespace ddl
