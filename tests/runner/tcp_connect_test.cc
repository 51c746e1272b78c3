// SPDX-License-Identifier: Apache-2.0
#include "runner/tcp_connect.h"

#include <chrono>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ddl {
namespace tcp_connect_test {

// On loopback, at a port that the kernel chooses.
class TcpConnect : public testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener_.Get(), place, size), 0);
    ASSERT_EQ(::listen(listener_.Get(), 1), 0);
    ASSERT_EQ(::getsockname(listener_.Get(), place, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  TcpConnection Connect() const {
    return ConnectTcp("127.0.0.1", port_, {wakeup_, {}, std::chrono::seconds(30)});
  }
  static int Option(const TcpConnection& connection, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(connection.socket.Get(), level, option, &value, &size), 0);
    return value;
  }

  FileDescriptor listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  Wakeup wakeup_;
  int port_ = 0;
};

// Whoever reads alone would never hear of it, and who writes after a quarter of an hour.
TEST_F(TcpConnect, NoticesAHostThatHasGoneWithoutAWord) {
  const TcpConnection connection = Connect();
  ASSERT_TRUE(connection.socket) << connection.problem;
  EXPECT_EQ(Option(connection, SOL_SOCKET, SO_KEEPALIVE), 1);
  const int asked_s = Option(connection, IPPROTO_TCP, TCP_KEEPIDLE) +
                      Option(connection, IPPROTO_TCP, TCP_KEEPINTVL);
  EXPECT_LE(asked_s, 30);
  const int given_up_ms = Option(connection, IPPROTO_TCP, TCP_USER_TIMEOUT);
  EXPECT_GE(given_up_ms, 30'000) << "a link waits as long by itself";
  EXPECT_LE(given_up_ms, 60'000);
}

TEST_F(TcpConnect, SaysThatNobodyListens) {
  listener_.Reset();
  const TcpConnection connection = Connect();
  EXPECT_FALSE(connection.socket);
  EXPECT_THAT(connection.problem, testing::HasSubstr("Connection refused"));
}

}  // namespace tcp_connect_test
}  // namespace ddl
