// SPDX-License-Identifier: Apache-2.0
// The link to this machine: a socketpair to an agent that it starts.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/file.h"
#include "runner/link.h"
#include "runner/link_traffic.h"
#include "runner/process.h"
#include "runner/wakeup.h"

namespace ddl {

namespace {

// The thread that decides waits for an agent, which may be stopped or wait for a broken device: no
// longer than this. Its trials go on, and a later agent fences it.
constexpr std::chrono::milliseconds kLeavesWithin{2000};
constexpr std::chrono::milliseconds kDiesWithin{500};

constexpr const char* kTooMany = "close other programs, or raise the limit: ulimit -n";

class LocalLink : public Link {
 public:
  LocalLink(const LocalLinkOptions& options, Deliver deliver, FileDescriptor socket, pid_t agent,
            Wakeup wakeup)
      : traffic_(options.host, options.code_folder, std::move(deliver)),
        socket_(std::move(socket)),
        agent_(agent),
        wakeup_(std::move(wakeup)),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {
    LocalLink::Send(options.hello);
  }
  ~LocalLink() override {
    thread_.request_stop();
    wakeup_.Wake();
    thread_.join();
    socket_.Reset();  // the agent ends with its link
    if (ReapWithin(agent_, kLeavesWithin)) return;
    ::kill(agent_, SIGKILL);
    (void)ReapWithin(agent_, kDiesWithin);
  }
  LocalLink(const LocalLink&) = delete;
  LocalLink& operator=(const LocalLink&) = delete;
  LocalLink(LocalLink&&) = delete;
  LocalLink& operator=(LocalLink&&) = delete;

  void Send(ToHost message) override {
    traffic_.Put(std::move(message));
    wakeup_.Wake();
  }

 private:
  void Run(const std::stop_token& stop) {
    traffic_.Begin();
    std::string ended;
    while (!stop.stop_requested() && ended.empty()) {
      ended = Turn();
    }
    traffic_.Refill();
    (void)Flush();  // what was said before the end is said
    if (!ended.empty()) traffic_.Ended(ended);
  }

  // Why the link is over, or "".
  std::string Turn() {
    const bool busy = !traffic_.Out().empty();
    std::array<pollfd, 2> watched{
        {{socket_.Get(), static_cast<short>(busy ? POLLIN | POLLOUT : POLLIN), 0},
         {wakeup_.Get(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), static_cast<int>(kLinkTurn.count()));
    if (watched[1].revents != 0) wakeup_.Clear();
    std::string ended = watched[0].revents != 0 ? Read() : std::string();
    do {
      traffic_.Refill();
      if (traffic_.Out().empty()) return ended;
      if (!Flush()) return "the agent is gone";
    } while (traffic_.Out().empty());  // there may be more that waited for room
    return ended;
  }

  std::string Read() {
    std::array<char, 65536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
    const ssize_t got = ::read(socket_.Get(), piece.data(), piece.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (got <= 0) return "the agent is gone";
    return traffic_.Received({piece.data(), static_cast<std::size_t>(got)});
  }

  bool Flush() {
    std::string& out = traffic_.Out();
    while (!out.empty()) {
      const ssize_t written = ::send(socket_.Get(), out.data(), out.size(), MSG_NOSIGNAL);
      if (written < 0) return errno == EAGAIN || errno == EINTR;
      out.erase(0, static_cast<std::size_t>(written));
    }
    return true;
  }

  LinkTraffic traffic_;
  FileDescriptor socket_;
  pid_t agent_;
  Wakeup wakeup_;
  std::jthread thread_;  // last: it uses all the others
};

// In a session of its own: an interrupt at the terminal is not for it.
pid_t StartAgent(const LocalLinkOptions& options, int fd) {
  std::vector<std::string> words{options.agent_path, "agent", "--fd", fmt::format("{}", fd)};
  if (!options.host_folder.empty()) {
    words.emplace_back("--host-folder");
    words.push_back(options.host_folder);
  }
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int problem = ::posix_spawn(&pid, argv[0], nullptr, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  errno = problem;
  return problem == 0 ? pid : -1;
}

}  // namespace

std::unique_ptr<Link> MakeLocalLink(const LocalLinkOptions& options, Deliver deliver) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw SystemError("cannot make a socket", "", kTooMany);
  }
  Wakeup wakeup;
  FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  if (!wakeup) throw SystemError("cannot make an event descriptor", "", kTooMany);
  ::fcntl(ours.Get(), F_SETFL, O_NONBLOCK);
  ::fcntl(theirs.Get(), F_SETFL, O_NONBLOCK);
  ::fcntl(theirs.Get(), F_SETFD, 0);  // for the agent alone: no other thread starts processes now
  const pid_t agent = StartAgent(options, theirs.Get());
  if (agent < 0) {
    throw SystemError("cannot start the agent", options.agent_path,
                      "build it: cmake --build build/release");
  }
  return std::make_unique<LocalLink>(options, std::move(deliver), std::move(ours), agent,
                                     std::move(wakeup));
}

}  // namespace ddl
