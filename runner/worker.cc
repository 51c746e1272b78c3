// SPDX-License-Identifier: Apache-2.0
#include "runner/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/json.h"
#include "runner/host_folder.h"
#include "runner/process.h"
#include "runner/program_start.h"
#include "runner/sha256.h"

namespace ddl {

namespace {

constexpr int kMostPlaces = 4096;       // lanes of one kind on a host
constexpr int kBacklog = 512;           // lanes that come at once
constexpr int kListener = 3;            // the worker's descriptor
constexpr int kLeaveWithinMs = 20'000;  // a worker that cannot end a lane ends itself before

bool Lock(const FileDescriptor& file, short type, std::int64_t byte, bool waits = false) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  while (::fcntl(file.Get(), waits ? F_OFD_SETLKW : F_OFD_SETLK, &lock) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

// Equal for launches that one worker may serve.
std::string KindOf(const LaunchRecord& launch, const std::vector<char*>& environment) {
  Sha256 hash;
  const auto add = [&hash](std::string_view text) {
    hash.Add(text);
    hash.Add(std::string_view("\0", 1));
  };
  for (const std::string& word : launch.worker) {
    add(word);
    struct stat facts{};  // a program that was built anew is another one
    if (word.starts_with('/') && ::stat(word.c_str(), &facts) == 0) {
      add(fmt::format("{} {}.{}", facts.st_ino, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec));
    }
  }
  add(launch.workdir);
  add(fmt::format("{}", launch.lanes));
  std::vector<std::string_view> variables;
  for (const char* variable : environment) {
    if (variable != nullptr && !IsOfLane(variable)) variables.emplace_back(variable);
  }
  std::ranges::sort(variables);
  std::ranges::for_each(variables, add);
  return hash.Hex().substr(0, 16);
}

// The file whose bytes are the places of a kind. Whoever was last holds all of them for a moment to
// remove it: then it counts nothing.
FileDescriptor TakePlace(const std::string& path, int& place) {
  constexpr int kTries = 10;
  for (int tries = 0; tries < kTries; ++tries) {
    FileDescriptor file = OpenFile(path, O_RDWR | O_CREAT);
    if (!file) return {};
    place = 0;
    while (place < kMostPlaces && !Lock(file, F_WRLCK, place))
      ++place;
    if (place == kMostPlaces) continue;
    struct stat ours{};
    struct stat named{};
    const bool is_there = ::fstat(file.Get(), &ours) == 0 && ::stat(path.c_str(), &named) == 0;
    if (is_there && ours.st_ino == named.st_ino) return file;
  }
  return {};
}

std::optional<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  return address;
}

FileDescriptor Connect(const sockaddr_un& address) {
  FileDescriptor own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (own && ::connect(own.Get(), to, sizeof address) != 0) own.Reset();
  return own;
}

FileDescriptor Listen(const sockaddr_un& address) {
  FileDescriptor own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::unlink(address.sun_path);  // of one that is gone
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  const bool listens = own && ::bind(own.Get(), at, sizeof address) == 0 &&
                       ::chmod(address.sun_path, 0600) == 0 && ::listen(own.Get(), kBacklog) == 0;
  if (!listens) own.Reset();
  return own;
}

// In the grandchild: nothing of the trial's but command, workdir and environment.
[[noreturn]] void BecomeWorker(int listener, std::vector<std::string> words,
                               const std::string& workdir, std::vector<char*> variables) {
  (void)LeaveStandardStreams();
  if (listener == kListener) {
    ::fcntl(listener, F_SETFD, 0);
  } else {
    ::dup2(listener, kListener);
  }
  ::close_range(kListener + 1, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir(workdir.c_str()) != 0) ::_exit(1);
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvpe(arguments.front(), arguments.data(), variables.data());
  ::_exit(1);  // those who have connected see its end
}

// Nobody's child: for that moment orphans do not come to us.
bool StartWorker(const LaunchRecord& launch, int listener, const std::vector<char*>& environment) {
  std::vector<char*> variables;
  std::ranges::copy_if(environment, std::back_inserter(variables), [](const char* variable) {
    return variable != nullptr && !IsOfLane(variable);
  });
  std::string mark(kWorkerMark);  // a GPU that it waits on is used by nobody else
  variables.push_back(mark.data());
  variables.push_back(nullptr);
  std::vector<std::string> words = launch.worker;
  AddLibraryFolders(environment, words);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) BecomeWorker(listener, std::move(words), launch.workdir, variables);
    ::_exit(0);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  return child > 0;
}

// One at a time looks for the worker and starts it.
FileDescriptor ConnectOrStart(const LaunchRecord& launch, const std::vector<char*>& environment,
                              const FileDescriptor& places, int worker,
                              const sockaddr_un& address) {
  FileDescriptor connection = Connect(address);
  if (connection) return connection;
  const std::int64_t turn = kMostPlaces + worker;
  if (!Lock(places, F_WRLCK, turn, true)) return {};
  connection = Connect(address);
  if (!connection) {
    const FileDescriptor listener = Listen(address);
    if (listener && StartWorker(launch, listener.Get(), environment)) connection = Connect(address);
  }
  (void)Lock(places, F_UNLCK, turn);
  return connection;
}

// A worker that is about to be gone may take a connection still, and closes it.
bool IsServed(const std::string& socket) {
  constexpr int kGoneWithinMs = 50;
  const auto address = AddressOf(socket);
  const FileDescriptor probe = address ? Connect(*address) : FileDescriptor();
  pollfd closed{probe.Get(), POLLIN, 0};
  return probe && ::poll(&closed, 1, kGoneWithinMs) == 0;
}

std::string RequestOf(const std::vector<char*>& environment) {
  Json variables = Json::object();
  for (const char* entry : environment) {
    const std::string_view text = entry == nullptr ? "" : entry;
    const std::size_t equals = text.find('=');
    if (!IsOfLane(text) || equals == std::string_view::npos) continue;
    variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  return DumpJson({{"environment", variables}}) + "\n";
}

}  // namespace

bool IsOfLane(std::string_view variable) {
  constexpr std::array<std::string_view, 10> kNames{
      "DDL_TRIAL",      "DDL_ATTEMPT",        "DDL_TOKEN",   "DDL_PARAMS",  "DDL_SEED",
      "DDL_OUTPUT_DIR", "DDL_CHECKPOINT_DIR", "DDL_METRICS", "DDL_CONTROL", "DDL_UNTIL"};
  return std::ranges::find(kNames, variable.substr(0, variable.find('='))) != kNames.end();
}

std::optional<LaneHold> JoinWorker(const LaunchRecord& launch, const HostPaths& paths,
                                   const std::vector<char*>& environment) {
  if (launch.worker.empty() || launch.lanes < 1 || paths.pipes_folder.empty()) return std::nullopt;
  const std::string kind = paths.pipes_folder + "/worker-" + KindOf(launch, environment);
  int place = 0;
  LaneHold hold{.places = kind};
  hold.place = TakePlace(kind, place);
  if (!hold.place) return std::nullopt;
  const int worker = place / launch.lanes;
  hold.socket = fmt::format("{}.{}", kind, worker);
  const auto address = AddressOf(hold.socket);
  if (address) {
    hold.connection = ConnectOrStart(launch, environment, hold.place, worker, *address);
  }
  if (!hold.connection) return std::nullopt;
  return hold;
}

void HandOver(const LaneHold& hold, const std::vector<char*>& environment, int output) {
  const std::string text = RequestOf(environment);
  iovec piece{const_cast<char*>(text.data()), text.size()};
  const std::array<int, 2> logs{output, output};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof logs)> space{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof logs);
  std::memcpy(CMSG_DATA(header), logs.data(), sizeof logs);
  const ssize_t sent = ::sendmsg(hold.connection.Get(), &message, MSG_NOSIGNAL);
  const std::size_t done = sent < 0 ? text.size() : static_cast<std::size_t>(sent);
  if (done < text.size())
    (void)WriteAll(hold.connection.Get(), std::string_view(text).substr(done));
}

void LeaveWorker(LaneHold& hold, bool is_well) {
  ::shutdown(hold.connection.Get(), SHUT_WR);
  std::array<char, 256> rest{};
  pollfd ended{hold.connection.Get(), POLLIN, 0};
  while (::poll(&ended, 1, kLeaveWithinMs) == 1 &&
         ::recv(hold.connection.Get(), rest.data(), rest.size(), 0) > 0) {
  }
  hold.connection.Reset();
  // The last one of the kind, as no other holds a byte, leaves no file behind; nor a socket, unless
  // its worker waits there for the next one, and removes it itself. Its own byte goes first: of two
  // that leave at once, neither would be the last.
  struct flock all{};
  all.l_type = F_UNLCK;
  all.l_whence = SEEK_SET;
  (void)::fcntl(hold.place.Get(), F_OFD_SETLK, &all);
  all.l_type = F_WRLCK;
  if (::fcntl(hold.place.Get(), F_OFD_SETLK, &all) == 0) {
    if (!is_well && !IsServed(hold.socket)) ::unlink(hold.socket.c_str());
    ::unlink(hold.places.c_str());
  }
  hold.place.Reset();
}

}  // namespace ddl
