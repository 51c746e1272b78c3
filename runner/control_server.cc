// SPDX-License-Identifier: Apache-2.0
#include "runner/control_server.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/control_socket.h"
#include "runner/file.h"
#include "runner/mailbox.h"

namespace ddl {

namespace {

sigset_t UserSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&set, number);
  }
  return set;
}

struct Client {
  FileDescriptor fd;
  std::string heard;    // up to the next newline
  std::string to_send;  // not taken by the socket yet
};

struct Outgoing {
  std::uint64_t client = 0;
  std::string line;
};

// The thread's side: everything here belongs to it.
class ControlLoop {
 public:
  ControlLoop(FileDescriptor listener, FileDescriptor signals, int wake, Mailbox<Outgoing>& outbox,
              std::function<void(ControlNews)>& deliver)
      : listener_(std::move(listener)),
        signals_(std::move(signals)),
        wake_(wake),
        outbox_(outbox),
        deliver_(deliver) {}

  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Turn();
    }
    TakeOutgoing();
    for (auto& [id, client] : clients_) {
      (void)Flush(client);
    }
  }

 private:
  void Turn() {
    std::vector<pollfd> watched{
        {listener_.Get(), POLLIN, 0}, {signals_.Get(), POLLIN, 0}, {wake_, POLLIN, 0}};
    std::vector<std::uint64_t> ids;
    for (const auto& [id, client] : clients_) {
      const int wanted = client.to_send.empty() ? POLLIN : POLLIN | POLLOUT;
      watched.push_back({client.fd.Get(), static_cast<short>(wanted), 0});
      ids.push_back(id);
    }
    if (::poll(watched.data(), watched.size(), -1) < 0) return;
    if (watched[2].revents != 0) DrainWake();
    if (watched[1].revents != 0) ReadSignal();
    if (watched[0].revents != 0) Accept();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (watched[i + 3].revents != 0) Hear(ids[i]);
    }
    TakeOutgoing();
    FlushAll();
  }

  void DrainWake() const {
    std::uint64_t count = 0;
    (void)!::read(wake_, &count, sizeof count);
  }

  void ReadSignal() {
    signalfd_siginfo signal{};
    if (::read(signals_.Get(), &signal, sizeof signal) == sizeof signal) {
      deliver_(SignalArrived{static_cast<int>(signal.ssi_signo)});
    }
  }

  void Accept() {
    FileDescriptor fd(::accept4(listener_.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) clients_.emplace(++last_client_, Client{std::move(fd), {}, {}});
  }

  void Hear(std::uint64_t id) {
    Client& client = clients_.at(id);
    std::array<char, 65536> piece{};
    const ssize_t got = ::read(client.fd.Get(), piece.data(), piece.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || client.heard.size() > kMaxControlLine) return Drop(id);
    client.heard.append(piece.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = client.heard.find('\n', begin)) != std::string::npos;) {
      deliver_(ClientSaid{id, client.heard.substr(begin, end - begin)});
      begin = end + 1;
    }
    client.heard.erase(0, begin);
  }

  void TakeOutgoing() {
    for (Outgoing& out : outbox_.TakeAll(std::chrono::nanoseconds(0))) {
      const auto found = clients_.find(out.client);
      if (found != clients_.end()) found->second.to_send += out.line + '\n';
    }
  }

  void FlushAll() {
    std::vector<std::uint64_t> gone;
    for (auto& [id, client] : clients_) {
      if (!Flush(client) || client.to_send.size() > kMaxClientBacklog) gone.push_back(id);
    }
    for (const std::uint64_t id : gone) {
      Drop(id);
    }
  }

  static bool Flush(Client& client) {
    while (!client.to_send.empty()) {
      const ssize_t sent =
          ::send(client.fd.Get(), client.to_send.data(), client.to_send.size(), MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      client.to_send.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  void Drop(std::uint64_t id) {
    clients_.erase(id);
    deliver_(ClientLeft{id});
  }

  FileDescriptor listener_;
  FileDescriptor signals_;
  int wake_;
  Mailbox<Outgoing>& outbox_;
  std::function<void(ControlNews)>& deliver_;
  std::map<std::uint64_t, Client> clients_;
  std::uint64_t last_client_ = 0;
};

class UnixControlServer : public ControlServer {
 public:
  UnixControlServer(FileDescriptor listener, FileDescriptor signals, FileDescriptor wake,
                    std::function<void(ControlNews)> deliver)
      : deliver_(std::move(deliver)),
        wake_(std::move(wake)),
        loop_(std::move(listener), std::move(signals), wake_.Get(), outbox_, deliver_),
        thread_([this](const std::stop_token& stop) { loop_.Run(stop); }) {}

  UnixControlServer(const UnixControlServer&) = delete;
  UnixControlServer& operator=(const UnixControlServer&) = delete;
  ~UnixControlServer() override {
    thread_.request_stop();
    Wake();
  }

  void Send(std::uint64_t client, std::string line) override {
    outbox_.Put({client, std::move(line)});
    Wake();
  }

 private:
  void Wake() const {
    const std::uint64_t one = 1;
    (void)WriteAll(wake_.Get(), {reinterpret_cast<const char*>(&one), sizeof one});
  }

  std::function<void(ControlNews)> deliver_;
  FileDescriptor wake_;
  Mailbox<Outgoing> outbox_;
  ControlLoop loop_;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace

std::unique_ptr<ControlServer> MakeControlServer(const std::string& folder,
                                                 std::function<void(ControlNews)> deliver) {
  const sigset_t set = UserSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  FileDescriptor signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signals || !wake) {
    throw SystemError("cannot watch signals", "",
                      "close other programs, or raise the limit: ulimit -n");
  }
  FileDescriptor listener(OpenControlSocket(folder, SocketUse::kListen));
  if (!listener) {
    throw SystemError("cannot listen", folder + "/socket",
                      "keep the store on a local, writable file system (--store)");
  }
  return std::make_unique<UnixControlServer>(std::move(listener), std::move(signals),
                                             std::move(wake), std::move(deliver));
}

}  // namespace ddl
