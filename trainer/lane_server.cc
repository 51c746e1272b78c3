// SPDX-License-Identifier: Apache-2.0
#include "trainer/lane_server.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <list>
#include <vector>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "trainer/cuda/cuda_library.h"
#include "trainer/cuda/gpu_teams.h"
#include "trainer/data_shelf.h"
#include "trainer/lane.h"
#include "trainer/lane_socket.h"

namespace ddl {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kIdle{2};
constexpr std::chrono::seconds kStopsWithin{5};
constexpr std::chrono::milliseconds kLook{500};

// The next training takes the last one's pages: to be given them anew by the kernel, zeroed, was
// half of its start.
void KeepFreedMemory() {
  constexpr int kMostFromHeap = 32 << 20;  // the largest that the library allows
  constexpr int kKept = 256 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kMostFromHeap);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
}

class LaneServer {
 public:
  LaneServer(int listener, std::size_t most_lanes)
      : listener_(listener),
        doorbell_(::eventfd(0, EFD_CLOEXEC)),
        gpus_([] { return FindGpu(CudaLibraryPath()); }, most_lanes) {}

  int Run() {
    if (doorbell_ < 0) return kGaveUp;
    auto idle_since = steady_clock::now();
    while (steady_clock::now() - idle_since < kIdle) {
      Turn();
      if (!lanes_.empty()) idle_since = steady_clock::now();
    }
    // Whoever is connecting at this moment is served; the next one starts another worker.
    Unlink();
    while (Accept() || !lanes_.empty())
      Turn();
    return 0;
  }

 private:
  void Turn() {
    std::vector<pollfd> watched{{listener_, POLLIN, 0}, {doorbell_, POLLIN, 0}};
    for (const Lane& lane : lanes_)
      watched.push_back({lane.Watched(), POLLIN, 0});
    ::poll(watched.data(), watched.size(), static_cast<int>(kLook.count()));
    auto events = watched.begin() + 2;
    for (auto lane = lanes_.begin(); lane != lanes_.end(); ++events) {
      const bool is_alive = events->revents == 0 || lane->Read(shelf_) || lane->HasEnded();
      lane = is_alive ? std::next(lane) : lanes_.erase(lane);
    }
    if (watched[1].revents != 0) {
      std::uint64_t count = 0;
      (void)!::read(doorbell_, &count, sizeof count);
    }
    Conclude();
    if (watched[0].revents != 0) (void)Accept();
  }

  void Conclude() {
    for (auto lane = lanes_.begin(); lane != lanes_.end();) {
      if (lane->HasEnded()) {
        lane->Conclude(shelf_);
        lane = lanes_.erase(lane);
        continue;
      }
      const auto since = lane->CutOffSince();
      if (since && steady_clock::now() - *since > kStopsWithin) ::_exit(kGaveUp);
      ++lane;
    }
  }

  bool Accept() {
    const int connection = AcceptLane(listener_);
    if (connection < 0) return false;
    lanes_.emplace_back(connection, doorbell_, gpus_);
    return true;
  }

  // The name and, where it was the last in it, its folder, as its starter would.
  void Unlink() const {
    const std::filesystem::path path(SocketPath(listener_));
    if (path.empty()) return;
    ::unlink(path.c_str());
    ::rmdir(path.parent_path().c_str());
    ::rmdir(path.parent_path().parent_path().c_str());
  }

  int listener_;
  int doorbell_;
  DataShelf shelf_;
  GpuTeams gpus_;
  std::list<Lane> lanes_;
};

}  // namespace

int ServeLanes(int listener, std::size_t most_lanes) {
  KeepFreedMemory();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, SIG_DFL);
  ::prctl(PR_SET_NAME, "ddl-worker");
  const int flags = ::fcntl(listener, F_GETFL);
  if (flags < 0 || ::fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0) return kGaveUp;
  ::fcntl(listener, F_SETFD, FD_CLOEXEC);
  return LaneServer(listener, most_lanes).Run();
}

}  // namespace ddl
