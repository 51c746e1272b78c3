// SPDX-License-Identifier: Apache-2.0
// lane_worker: a worker that does what the parameters of a lane say, one word each:
//   finish  prints the worker's pid and ends with code 3
//   wait    goes on until it is told to stop, then ends with 75
//   deaf    goes on until its connection ends, then writes the file "late" into DDL_OUTPUT_DIR
//   crash   ends the worker
// Every lane prints "up" and the worker's pid first. Leaves with its last lane.
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <list>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

struct Lane {
  int connection = -1;
  int output = -1;
  std::string text;
  std::string task;
  std::string folder;
};

std::string Value(const std::string& text, const std::string& name) {
  const std::size_t at = text.find('"' + name + "\":\"");
  if (at == std::string::npos) return {};
  const std::size_t from = at + name.size() + 4;
  return text.substr(from, text.find('"', from) - from);
}

void Say(int descriptor, const std::string& text) {
  if (write(descriptor, text.data(), text.size()) < 0) std::abort();
}

bool Receive(Lane& lane) {
  std::array<char, 4096> piece{};
  iovec into{piece.data(), piece.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  const ssize_t got = recvmsg(lane.connection, &message, 0);
  if (got <= 0) return false;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr) {
    std::array<int, 2> logs{};
    std::memcpy(logs.data(), CMSG_DATA(header), sizeof logs);
    lane.output = logs[0];
    close(logs[1]);
  }
  lane.text.append(piece.data(), static_cast<std::size_t>(got));
  return true;
}

// True when the lane has ended.
bool Answer(Lane& lane, bool is_connected) {
  if (lane.task.empty() && lane.text.find('\n') != std::string::npos) {
    std::ifstream params(Value(lane.text, "DDL_PARAMS"));
    const std::string parameters{std::istreambuf_iterator<char>(params), {}};
    lane.task = Value(parameters, "do");
    lane.folder = Value(lane.text, "DDL_OUTPUT_DIR");
    lane.text.erase(0, lane.text.find('\n') + 1);
    Say(lane.connection, "begun\n");
    Say(lane.output, "up " + std::to_string(getpid()) + "\n");
    if (lane.task == "crash") std::_Exit(9);
  }
  if (lane.task == "finish") {
    Say(lane.connection, "end 3 1234\n");
    return true;
  }
  if (lane.task == "wait" && lane.text.find("stop\n") != std::string::npos) {
    Say(lane.connection, "end 75 5\n");
    return true;
  }
  if (is_connected) return false;
  std::ofstream(lane.folder + "/late") << "written after its client";
  return true;
}

}  // namespace

int main() {
  constexpr int kListener = 3;
  std::list<Lane> lanes;
  do {
    std::vector<pollfd> watched{{kListener, POLLIN, 0}};
    for (const Lane& lane : lanes)
      watched.push_back({lane.connection, POLLIN, 0});
    poll(watched.data(), watched.size(), -1);
    auto events = watched.begin() + 1;
    for (auto lane = lanes.begin(); lane != lanes.end(); ++events) {
      const bool has_ended = events->revents != 0 && Answer(*lane, Receive(*lane));
      if (has_ended) {
        close(lane->output);
        close(lane->connection);
      }
      lane = has_ended ? lanes.erase(lane) : std::next(lane);
    }
    if (watched[0].revents != 0) {
      lanes.push_back({.connection = accept4(kListener, nullptr, nullptr, SOCK_CLOEXEC)});
    }
  } while (!lanes.empty());
  sockaddr_un address{};
  socklen_t size = sizeof address;
  getsockname(kListener, reinterpret_cast<sockaddr*>(&address), &size);
  unlink(address.sun_path);
}
