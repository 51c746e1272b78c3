// SPDX-License-Identifier: Apache-2.0
// One SSH connection to a host whose key was checked, and the commands that run over it. Used by
// one thread at a time. It never forwards an agent, X11 or a port, and reads no configuration of
// its own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "runner/ssh_login.h"
#include "runner/ssh_target.h"
#include "runner/wakeup.h"

namespace ddl {

struct CloseSsh {
  void operator()(ssh_session_struct* session) const;
};
struct CloseChannel {
  void operator()(ssh_channel_struct* channel) const;
};

// A command on the host, or a connection from there onwards. No call waits, but for those with a
// Patience. Ends before the session that it belongs to.
//
// Read alone takes what has come from the network. Who wants to wait reads, then writes, and waits
// for Events() where neither got anywhere: what comes later makes the descriptor ready.
class SshChannel {
 public:
  SshChannel(ssh_session session, ssh_channel channel);
  SshChannel(SshChannel&&) noexcept = default;
  SshChannel& operator=(SshChannel&& other) noexcept {
    Close();
    session_ = other.session_;
    channel_ = std::move(other.channel_);
    arrived_ = std::move(other.arrived_);
    return *this;
  }
  SshChannel(const SshChannel&) = delete;
  SshChannel& operator=(const SshChannel&) = delete;
  ~SshChannel() { Close(); }

  // How many bytes came; 0: none now, or none ever again (see HasEnded).
  [[nodiscard]] std::size_t Read(std::span<char> bytes);
  // The same of the command's error output, as far as a Read has brought it.
  [[nodiscard]] std::size_t ReadErrors(std::span<char> bytes);
  // How many bytes were taken; 0: the host takes none now.
  [[nodiscard]] std::size_t Write(std::string_view bytes);
  void SendEof();
  // Nothing will come any more, and what came has been read.
  [[nodiscard]] bool HasEnded() const;
  // False: the connection went, which is no word of the host's.
  [[nodiscard]] bool IsConnected() const;
  // What a poll on the session's descriptor should wait for.
  [[nodiscard]] short Events() const;
  [[nodiscard]] int Descriptor() const;
  [[nodiscard]] ssh_channel Get() const { return channel_.get(); }
  // Of a command that has ended; its output is thrown away. -1 where it was killed, or nothing came
  // in time.
  [[nodiscard]] int ExitCode(const Patience& patience);

 private:
  struct Arrived;  // what libssh has handed over
  struct Forget {
    void operator()(Arrived* arrived) const;
  };

  void Close();

  ssh_session session_;
  std::unique_ptr<Arrived, Forget> arrived_;  // outlives the channel, which writes to it
  std::unique_ptr<ssh_channel_struct, CloseChannel> channel_;
};

class SshTunnel;

class SshSession {
 public:
  // Over all hops of the route.
  [[nodiscard]] static std::variant<SshSession, SshProblem> Open(const SshRoute& route,
                                                                 const Patience& patience);
  SshSession(SshSession&&) noexcept;
  SshSession& operator=(SshSession&&) noexcept;
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;
  ~SshSession();

  // Hands `command` to the user's login shell there. Without a terminal: what it starts outlives
  // the connection.
  [[nodiscard]] std::variant<SshChannel, SshProblem> Run(const std::string& command,
                                                         const Patience& patience);
  // A TCP connection that the host makes for us.
  [[nodiscard]] std::variant<SshChannel, SshProblem> ConnectOn(const std::string& host, int port,
                                                               const Patience& patience);

 private:
  SshSession(const SshTarget& target, FileDescriptor socket, std::unique_ptr<SshTunnel> below);
  [[nodiscard]] std::optional<SshProblem> LogIn(const SshTarget& target, const Patience& patience);
  [[nodiscard]] std::variant<SshChannel, SshProblem> OpenChannel(const Patience& patience);
  [[nodiscard]] SshProblem Failed(const std::string& doing, int answer) const;

  std::string place_;
  bool has_run_ = false;              // a command
  std::unique_ptr<SshTunnel> below_;  // what carries this connection; outlives the handle
  std::unique_ptr<ssh_session_struct, CloseSsh> session_;
};

}  // namespace ddl
