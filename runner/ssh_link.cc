// SPDX-License-Identifier: Apache-2.0
// The link to a host reached by SSH: an agent at the other end of a channel.
#include <array>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "configs/error.h"
#include "runner/link.h"
#include "runner/link_traffic.h"
#include "runner/remote_agent.h"
#include "runner/ssh_session.h"
#include "runner/ssh_target.h"
#include "runner/wakeup.h"

namespace ddl {

namespace {

// From the first packet to the agent's start, on a slow line: then it is tried again.
constexpr std::chrono::seconds kConnectWithin{30};

class SshLink : public Link {
 public:
  SshLink(SshLinkOptions options, Deliver deliver, Wakeup wakeup)
      : options_(std::move(options)),
        traffic_(options_.host, options_.code_folder, std::move(deliver)),
        wakeup_(std::move(wakeup)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {
    SshLink::Send(options_.hello);
  }
  ~SshLink() override {
    thread_.request_stop();
    wakeup_.Wake();
  }
  SshLink(const SshLink&) = delete;
  SshLink& operator=(const SshLink&) = delete;
  SshLink(SshLink&&) = delete;
  SshLink& operator=(SshLink&&) = delete;

  void Send(ToHost message) override {
    traffic_.Put(std::move(message));
    wakeup_.Wake();
  }

 private:
  void Run(const std::stop_token& stop) {
    const SshProblem ended = Connect(stop);
    if (!stop.stop_requested()) traffic_.Ended(ended.reason, ended.hint);
  }

  // Until the link is over; says why.
  SshProblem Connect(const std::stop_token& stop) {
    const Patience patience(wakeup_, stop, kConnectWithin);
    std::optional<SshRoute> route;
    try {
      route = ResolveSshRoute(options_.address, FindSshHome());
    } catch (const Error& problem) {
      return {problem.Message() + (problem.Where().empty() ? "" : " (" + problem.Where() + ")"),
              problem.Hint()};
    }
    auto opened = SshSession::Open(*route, patience);
    if (auto* problem = std::get_if<SshProblem>(&opened)) return std::move(*problem);
    SshSession& session = std::get<SshSession>(opened);
    auto started = StartRemoteAgent(session, options_.agent_path, patience);
    if (auto* problem = std::get_if<SshProblem>(&started)) return std::move(*problem);
    return Talk(std::get<RemoteAgent>(started), stop);
  }

  SshProblem Talk(RemoteAgent& agent, const std::stop_token& stop) {
    traffic_.Begin();
    std::string ended = traffic_.Received(agent.first_bytes);
    while (!stop.stop_requested() && ended.empty()) {
      ended = Move(agent.channel);
      if (!ended.empty()) break;
      std::array<pollfd, 2> watched{
          {{agent.channel.Descriptor(), agent.channel.Events(), 0}, {wakeup_.Get(), POLLIN, 0}}};
      ::poll(watched.data(), watched.size(), static_cast<int>(kLinkTurn.count()));
      if (watched[1].revents != 0) wakeup_.Clear();
    }
    traffic_.Refill();
    (void)Write(agent.channel);  // what was said before the end is said, as far as it fits
    return {ended + (errors_.empty() ? "" : ": " + errors_), {}};
  }

  // Both ways, until neither side has anything: libssh keeps what it has read, and a poll on the
  // socket knows nothing of that.
  std::string Move(SshChannel& channel) {
    for (bool moved = true; moved;) {
      std::array<char, 65536>
          piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
      const std::size_t got = channel.Read(piece);
      if (got > 0) {
        std::string problem = traffic_.Received({piece.data(), got});
        if (!problem.empty()) return problem;
      }
      const std::size_t errors = channel.ReadErrors(piece);
      if (errors_.size() < kMostErrors) errors_.append(piece.data(), errors);
      if (got + errors == 0 && channel.HasEnded()) return "the connection is gone";
      traffic_.Refill();
      moved = Write(channel) || got + errors > 0;
    }
    return {};
  }

  bool Write(SshChannel& channel) {
    std::string& out = traffic_.Out();
    const std::size_t taken = channel.Write(out);
    out.erase(0, taken);
    return taken > 0;
  }

  static constexpr std::size_t kMostErrors = 1000;

  SshLinkOptions options_;
  LinkTraffic traffic_;
  Wakeup wakeup_;
  std::string errors_;   // what the agent complained about
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace

std::unique_ptr<Link> MakeSshLink(const SshLinkOptions& options, Deliver deliver) {
  Wakeup wakeup;
  if (!wakeup) {
    throw SystemError("cannot make an event descriptor", "",
                      "close other programs, or raise the limit: ulimit -n");
  }
  return std::make_unique<SshLink>(options, std::move(deliver), std::move(wakeup));
}

}  // namespace ddl
