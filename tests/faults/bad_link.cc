// SPDX-License-Identifier: Apache-2.0
// bad_link DEVICE DEVICE DELAY_MS JITTER_MS LOSS_PERCENT [SEED]: passes packets between two network
// devices, as a cable between them would that is long and bad. Each direction takes DELAY_MS and up
// to JITTER_MS more, by which packets pass each other, and loses LOSS_PERCENT of them. Says "ready"
// once packets pass, and goes on until it is killed. For kernels without netem; needs root.
//
// ARP passes at once and whole: on long ways it is spoken at the ends alone.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
// A checksum that the sender's kernel has left to the device travels as such in the header.
constexpr std::size_t kHeader = 10;
constexpr std::size_t kMostBytes = 70'000;
constexpr int kBuffer = 64 << 20;

struct Badness {
  std::chrono::microseconds delay;
  std::chrono::microseconds jitter;
  double loss;
};

struct Packet {
  Clock::time_point due;
  std::uint64_t number;
  int to;
  std::vector<char> bytes;
  // A queue gives the greatest first.
  bool operator<(const Packet& other) const {
    return due != other.due ? due > other.due : number > other.number;
  }
};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int Open(const char* device) {
  const int found = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (found < 0) Fail("socket");
  const int on = 1;
  const int buffer = kBuffer;
  if (setsockopt(found, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0) Fail("PACKET_VNET_HDR");
  if (setsockopt(found, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0) Fail("outgoing");
  (void)setsockopt(found, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  (void)setsockopt(found, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(device));
  if (address.sll_ifindex == 0) Fail(device);
  if (bind(found, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) Fail("bind");
  return found;
}

bool IsArp(const std::vector<char>& bytes) {
  constexpr std::size_t kType = kHeader + 12;
  return bytes.size() > kType + 1 && bytes[kType] == 0x08 && bytes[kType + 1] == 0x06;
}

class Cable {
 public:
  Cable(int one, int other, const Badness& badness, unsigned seed)
      : ends_{{{one, POLLIN, 0}, {other, POLLIN, 0}}}, badness_(badness), dice_(seed) {}

  void Carry() {
    while (true) {
      if (poll(ends_.data(), ends_.size(), Deliver()) < 0) Fail("poll");
      Take(ends_[0].fd, ends_[1].fd);
      Take(ends_[1].fd, ends_[0].fd);
    }
  }

 private:
  // Milliseconds until the next is due, -1: there is none.
  int Deliver() {
    while (!under_way_.empty() && under_way_.top().due <= Clock::now()) {
      const Packet& packet = under_way_.top();
      (void)!write(packet.to, packet.bytes.data(), packet.bytes.size());
      under_way_.pop();
    }
    if (under_way_.empty()) return -1;
    const auto left = under_way_.top().due - Clock::now();
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

  void Take(int from, int to) {
    static std::array<char, kMostBytes> piece;
    for (ssize_t got = 0; (got = read(from, piece.data(), piece.size())) > 0;) {
      Packet packet{Clock::now(), ++number_, to, {piece.data(), piece.data() + got}};
      if (!IsArp(packet.bytes)) {
        if (std::bernoulli_distribution(badness_.loss)(dice_)) continue;
        const double share = std::uniform_real_distribution<>(0, 1)(dice_);
        packet.due += badness_.delay + std::chrono::duration_cast<std::chrono::microseconds>(
                                           badness_.jitter * share);
      }
      under_way_.push(std::move(packet));
    }
  }

  std::array<pollfd, 2> ends_;
  Badness badness_;
  std::mt19937 dice_;
  std::uint64_t number_ = 0;
  std::priority_queue<Packet> under_way_;
};

std::chrono::microseconds Milliseconds(const char* text) {
  return std::chrono::microseconds(static_cast<std::int64_t>(std::atof(text) * 1000));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const unsigned seed = argc > 6 ? static_cast<unsigned>(std::atoi(argv[6])) : 1;
  Cable cable(Open(argv[1]), Open(argv[2]),
              {Milliseconds(argv[3]), Milliseconds(argv[4]), std::atof(argv[5]) / 100}, seed);
  std::puts("ready");
  std::fflush(stdout);
  cable.Carry();
}
