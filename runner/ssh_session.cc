// SPDX-License-Identifier: Apache-2.0
#include "runner/ssh_session.h"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <libssh/callbacks.h>
#include <poll.h>

#include "runner/ssh_tunnel.h"
#include "runner/tcp_connect.h"

namespace ddl {

namespace {

constexpr const char* kNoDescriptors = "the process has no more descriptors";
// A host counts a channel until it has seen its end: one that allows few may refuse the next.
constexpr std::chrono::milliseconds kBetweenTries{20};
constexpr int kMostTries = 50;

// Until libssh has an answer other than "again", or patience ends.
template <class Call>
int UntilDone(ssh_session session, const Patience& patience, Call call) {
  int answer = call();
  while (answer == SSH_AGAIN && WaitForSession(session, patience)) {
    answer = call();
  }
  return answer;
}

}  // namespace

// Not ssh_disconnect: it waits for a peer that may be gone.
void CloseSsh::operator()(ssh_session_struct* session) const {
  ::ssh_silent_disconnect(session);
  ::ssh_free(session);
}

void CloseChannel::operator()(ssh_channel_struct* channel) const {
  ::ssh_channel_free(channel);
}

// ---- channel ----

struct SshChannel::Arrived {
  std::string output;
  std::string errors;
  bool is_over = false;  // the host has said that nothing follows
  bool is_closed = false;
  int exit_code = -1;
  ssh_channel_callbacks_struct callbacks{};

  static int Data(ssh_session, ssh_channel, void* bytes, std::uint32_t size, int is_error,
                  void* arrived) {
    auto& here = *static_cast<Arrived*>(arrived);
    (is_error != 0 ? here.errors : here.output).append(static_cast<const char*>(bytes), size);
    return static_cast<int>(size);
  }
  static void Eof(ssh_session, ssh_channel, void* arrived) {
    static_cast<Arrived*>(arrived)->is_over = true;
  }
  static void Closed(ssh_session, ssh_channel, void* arrived) {
    static_cast<Arrived*>(arrived)->is_closed = true;
  }
  static void Exited(ssh_session, ssh_channel, int code, void* arrived) {
    static_cast<Arrived*>(arrived)->exit_code = code;
  }
};

void SshChannel::Forget::operator()(Arrived* arrived) const {
  delete arrived;  // NOLINT(cppcoreguidelines-owning-memory): a deleter's own business
}

SshChannel::SshChannel(ssh_session session, ssh_channel channel)
    : session_(session), arrived_(new Arrived), channel_(channel) {
  ssh_channel_callbacks_struct& callbacks = arrived_->callbacks;
  ssh_callbacks_init(&callbacks);
  callbacks.userdata = arrived_.get();
  callbacks.channel_data_function = &Arrived::Data;
  callbacks.channel_eof_function = &Arrived::Eof;
  callbacks.channel_close_function = &Arrived::Closed;
  callbacks.channel_exit_status_function = &Arrived::Exited;
  ::ssh_set_channel_callbacks(channel_.get(), &callbacks);
}

// libssh keeps a channel until its host has ended it too, and would go on to hand over what comes.
void SshChannel::Close() {
  if (!channel_) return;
  ::ssh_remove_channel_callbacks(channel_.get(), &arrived_->callbacks);
  channel_.reset();
}

namespace {

std::size_t TakeFrom(std::string& text, std::span<char> bytes) {
  const std::size_t size = std::min(text.size(), bytes.size());
  std::copy_n(text.data(), size, bytes.data());
  text.erase(0, size);
  return size;
}

}  // namespace

// A poll makes libssh read the socket and hand over what that brings.
std::size_t SshChannel::Read(std::span<char> bytes) {
  if (arrived_->output.empty()) (void)::ssh_channel_poll(channel_.get(), 0);
  return TakeFrom(arrived_->output, bytes);
}

std::size_t SshChannel::ReadErrors(std::span<char> bytes) {
  return TakeFrom(arrived_->errors, bytes);
}

// libssh would take more than the host's window and keep it; it would take any amount and keep that
// too where the socket is full.
std::size_t SshChannel::Write(std::string_view bytes) {
  if ((::ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0) return 0;
  const std::size_t window = ::ssh_channel_window_size(channel_.get());
  const auto size = static_cast<std::uint32_t>(std::min(bytes.size(), window));
  if (size == 0 || ::ssh_channel_is_open(channel_.get()) == 0) return 0;
  const int taken = ::ssh_channel_write(channel_.get(), bytes.data(), size);
  return taken > 0 ? static_cast<std::size_t>(taken) : 0;
}

void SshChannel::SendEof() {
  ::ssh_channel_send_eof(channel_.get());
}

bool SshChannel::HasEnded() const {
  const bool is_over = arrived_->is_over || arrived_->is_closed || !IsConnected();
  return is_over && arrived_->output.empty();
}

bool SshChannel::IsConnected() const {
  return ::ssh_is_connected(session_) != 0;
}

short SshChannel::Events() const {
  return EventsOf(session_);
}

int SshChannel::Descriptor() const {
  return ::ssh_get_fd(session_);
}

// The code may come after the end of the output, when a poll looks at the network no more; asking
// for it does, without waiting.
int SshChannel::ExitCode(const Patience& patience) {
  const auto is_told = [this] {
    return arrived_->exit_code >= 0 || arrived_->is_closed || !IsConnected();
  };
  while (!is_told()) {
    arrived_->output.clear();
    (void)::ssh_channel_get_exit_status(channel_.get());
    if (is_told() || !patience.Wait(Descriptor(), Events())) break;
  }
  return arrived_->exit_code;
}

// ---- session ----

SshSession::SshSession(const SshTarget& target, FileDescriptor socket,
                       std::unique_ptr<SshTunnel> below)
    : place_(target.name), below_(std::move(below)), session_(::ssh_new()) {
  assert(session_ != nullptr);
  const bool no = false;
  const int port = target.port;
  const int descriptor = socket.Release();  // libssh closes it
  ::ssh_options_set(session_.get(), SSH_OPTIONS_PROCESS_CONFIG, &no);
  ::ssh_options_set(session_.get(), SSH_OPTIONS_HOST, target.host_name.c_str());
  ::ssh_options_set(session_.get(), SSH_OPTIONS_PORT, &port);
  ::ssh_options_set(session_.get(), SSH_OPTIONS_USER, target.user.c_str());
  ::ssh_options_set(session_.get(), SSH_OPTIONS_FD, &descriptor);
  // From the first file libssh learns which types of key to ask the host for.
  const auto file = std::ranges::find_if(target.known_hosts_files,
                                         [](const std::string& path) { return !IsMissing(path); });
  const std::string known = file == target.known_hosts_files.end() ? "/dev/null" : *file;
  ::ssh_options_set(session_.get(), SSH_OPTIONS_KNOWNHOSTS, known.c_str());
  ::ssh_options_set(session_.get(), SSH_OPTIONS_GLOBAL_KNOWNHOSTS, known.c_str());
  ::ssh_set_blocking(session_.get(), 0);
}

SshSession::SshSession(SshSession&&) noexcept = default;
SshSession& SshSession::operator=(SshSession&& other) noexcept {
  session_ = std::move(other.session_);  // before what carries it
  below_ = std::move(other.below_);
  place_ = std::move(other.place_);
  return *this;
}
SshSession::~SshSession() = default;

std::variant<SshSession, SshProblem> SshSession::Open(const SshRoute& route,
                                                      const Patience& patience) {
  assert(!route.hops.empty());
  const SshTarget& first = route.hops.front();
  TcpConnection connection = ConnectTcp(first.host_name, first.port, patience);
  if (!connection.socket) return SshProblem{connection.problem, {}};
  SshSession session(first, std::move(connection.socket), nullptr);
  if (auto problem = session.LogIn(first, patience)) return *std::move(problem);
  for (std::size_t i = 1; i < route.hops.size(); ++i) {
    const SshTarget& next = route.hops[i];
    auto onward = session.ConnectOn(next.host_name, next.port, patience);
    if (auto* problem = std::get_if<SshProblem>(&onward)) return std::move(*problem);
    auto tunnel =
        std::make_unique<SshTunnel>(std::move(session), std::get<SshChannel>(std::move(onward)));
    FileDescriptor end = tunnel->TakeEnd();
    if (!end) return SshProblem{kNoDescriptors, {}};
    session = SshSession(next, std::move(end), std::move(tunnel));
    if (auto problem = session.LogIn(next, patience)) return *std::move(problem);
  }
  return session;
}

std::optional<SshProblem> SshSession::LogIn(const SshTarget& target, const Patience& patience) {
  if (auto problem = ShakeHands(session_.get(), target, patience)) return problem;
  if (auto problem = CheckHostKey(session_.get(), target)) return problem;
  return Authenticate(session_.get(), target, patience);
}

std::variant<SshChannel, SshProblem> SshSession::Run(const std::string& command,
                                                     const Patience& patience) {
  auto opened = OpenChannel(patience);
  for (int tries = 1; has_run_ && tries < kMostTries; ++tries) {
    const bool is_refused =
        std::holds_alternative<SshProblem>(opened) && ::ssh_is_connected(session_.get()) != 0;
    if (!is_refused || patience.IsStopped()) break;
    (void)patience.AtMost(kBetweenTries).Wait(-1, 0);
    opened = OpenChannel(patience);
  }
  has_run_ = true;
  if (std::holds_alternative<SshProblem>(opened)) return opened;
  ssh_channel channel = std::get<SshChannel>(opened).Get();
  const int answer = UntilDone(session_.get(), patience, [channel, &command] {
    return ::ssh_channel_request_exec(channel, command.c_str());
  });
  if (answer != SSH_OK) return Failed("run a command", answer);
  return opened;
}

std::variant<SshChannel, SshProblem> SshSession::OpenChannel(const Patience& patience) {
  ssh_channel opened = ::ssh_channel_new(session_.get());
  if (opened == nullptr) return Failed("open a channel", SSH_ERROR);
  SshChannel channel(session_.get(), opened);
  const int answer =
      UntilDone(session_.get(), patience, [opened] { return ::ssh_channel_open_session(opened); });
  if (answer == SSH_OK) return channel;
  SshProblem problem = Failed("open a channel", answer);
  const bool is_refused = answer != SSH_AGAIN && ::ssh_is_connected(session_.get()) != 0;
  if (is_refused) problem.hint = "let its sshd open sessions: MaxSessions in its sshd_config";
  return problem;
}

std::variant<SshChannel, SshProblem> SshSession::ConnectOn(const std::string& host, int port,
                                                           const Patience& patience) {
  ssh_channel opened = ::ssh_channel_new(session_.get());
  if (opened == nullptr) return Failed("open a channel", SSH_ERROR);
  SshChannel channel(session_.get(), opened);
  const int answer = UntilDone(session_.get(), patience, [opened, &host, port] {
    return ::ssh_channel_open_forward(opened, host.c_str(), port, "127.0.0.1", 0);
  });
  if (answer != SSH_OK) return Failed(fmt::format("reach {}:{}", host, port), answer);
  return channel;
}

SshProblem SshSession::Failed(const std::string& doing, int answer) const {
  const char* why = answer == SSH_AGAIN ? "no answer in time" : ::ssh_get_error(session_.get());
  return {fmt::format("{} does not let us {}: {}", place_, doing, why), {}};
}

}  // namespace ddl
