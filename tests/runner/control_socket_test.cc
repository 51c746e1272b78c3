// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs/error.h"
#include "runner/control_client.h"
#include "runner/control_server.h"
#include "runner/mailbox.h"

namespace ddl {
namespace control_socket_test {

using std::chrono::hours;
using Heard = ControlClient::Heard;

class ControlSocket : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "ddl-control-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    server_ = Serve(folder_);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<ControlServer> Serve(const std::string& folder) {
    return MakeControlServer(folder, [this](ControlNews news) { heard_.Put(std::move(news)); });
  }

  template <class News>
  News Next() {
    while (waiting_.empty())
      waiting_ = heard_.TakeAll(hours(1));
    ControlNews news = waiting_.front();
    waiting_.erase(waiting_.begin());
    return std::get<News>(news);
  }

  std::string folder_;
  Mailbox<ControlNews> heard_;
  std::vector<ControlNews> waiting_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlSocket, CarriesLinesBothWays) {
  auto client = ControlClient::Connect(folder_);
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->Send("one"));
  ASSERT_TRUE(client->Send("two"));
  const auto one = Next<ClientSaid>();
  EXPECT_EQ(one.line, "one");
  EXPECT_EQ(Next<ClientSaid>().line, "two");
  server_->Send(one.client, "answer");
  std::string line;
  ASSERT_EQ(client->Read(line, hours(1)), Heard::kLine);
  EXPECT_EQ(line, "answer");
}

TEST_F(ControlSocket, CarriesLinesLargerThanAnyBuffer) {
  auto client = ControlClient::Connect(folder_);
  const std::string large(3U << 20U, 'x');
  ASSERT_TRUE(client->Send(large));
  const auto said = Next<ClientSaid>();
  EXPECT_EQ(said.line, large);
  server_->Send(said.client, large);
  std::string line;
  ASSERT_EQ(client->Read(line, hours(1)), Heard::kLine);
  EXPECT_EQ(line, large);
}

TEST_F(ControlSocket, TellsWhoLeft) {
  {
    auto client = ControlClient::Connect(folder_);
    ASSERT_TRUE(client->Send("here"));
  }
  const auto said = Next<ClientSaid>();
  EXPECT_EQ(Next<ClientLeft>().client, said.client);
}

TEST_F(ControlSocket, TellsAClientThatTheServerWent) {
  auto client = ControlClient::Connect(folder_);
  ASSERT_TRUE(client->Send("here"));
  (void)Next<ClientSaid>();
  server_.reset();
  std::string line;
  EXPECT_EQ(client->Read(line, hours(1)), Heard::kGone);
}

TEST_F(ControlSocket, DeliversTheLastWordsBeforeItGoes) {
  auto client = ControlClient::Connect(folder_);
  ASSERT_TRUE(client->Send("here"));
  server_->Send(Next<ClientSaid>().client, "farewell");
  server_.reset();
  std::string line;
  ASSERT_EQ(client->Read(line, hours(1)), Heard::kLine);
  EXPECT_EQ(line, "farewell");
}

TEST_F(ControlSocket, CutsOffAClientThatDoesNotRead) {
  auto client = ControlClient::Connect(folder_);
  ASSERT_TRUE(client->Send("here"));
  const auto said = Next<ClientSaid>();
  const std::string large(1U << 20U, 'x');
  for (std::size_t sent = 0; sent <= 2 * kMaxClientBacklog; sent += large.size()) {
    server_->Send(said.client, large);
  }
  EXPECT_EQ(Next<ClientLeft>().client, said.client);
}

TEST_F(ControlSocket, IsForItsUserAlone) {
  struct stat facts{};
  ASSERT_EQ(::stat((folder_ + "/socket").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(ControlSocket, WorksInFoldersWithLongNames) {
  const std::string deep = folder_ + "/" + std::string(200, 'd');
  std::filesystem::create_directory(deep);
  const auto server = Serve(deep);
  EXPECT_TRUE(ControlClient::Connect(deep));
}

TEST_F(ControlSocket, ReplacesTheSocketOfADeadCoordinator) {
  server_.reset();
  ASSERT_TRUE(std::filesystem::exists(folder_ + "/socket"));
  EXPECT_FALSE(ControlClient::Connect(folder_));
  server_ = Serve(folder_);
  EXPECT_TRUE(ControlClient::Connect(folder_));
}

TEST_F(ControlSocket, ReportsSignalsInsteadOfDying) {
  ASSERT_EQ(::kill(::getpid(), SIGHUP), 0);
  EXPECT_EQ(Next<SignalArrived>().number, SIGHUP);
  ASSERT_EQ(::kill(::getpid(), SIGINT), 0);
  EXPECT_EQ(Next<SignalArrived>().number, SIGINT);
}

TEST_F(ControlSocket, SaysWhereItCannotListen) {
  try {
    (void)Serve(folder_ + "/missing");
    FAIL() << "no error";
  } catch (const Error& problem) {
    EXPECT_EQ(problem.Where(), folder_ + "/missing/socket");
    EXPECT_EQ(problem.Kind(), ErrorKind::kInfrastructure);
  }
}

}  // namespace control_socket_test
}  // namespace ddl
