// SPDX-License-Identifier: Apache-2.0
// A real agent on this machine with real supervisors and real trials, as a coordinator sees it; all
// in a folder of its own. What was launched through it is killed at its end.
#pragma once

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/link.h"
#include "runner/mailbox.h"
#include "runner/process.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

inline constexpr auto kPatience = 60s;

// An agent on a link, and all that it said.
class HostConnection {
 public:
  HostConnection(const std::string& host_folder, std::uint64_t epoch, bool take_over = false,
                 const std::string& holder = {},
                 const std::string& agent_path = std::string(DDL_BINARY_DIR) + "/ddl-agent")
      : link_(MakeLocalLink({.agent_path = agent_path,
                             .host_folder = host_folder,
                             .hello = {"0123456789abcdef", epoch, take_over, holder}},
                            [this](HostNews news) { mailbox_.Put(std::move(news)); })) {}

  void Send(ToHost message) { link_->Send(std::move(message)); }

  // The first message of that kind that fits; others are kept for later.
  template <class Message>
  Message Await(const std::function<bool(const Message&)>& fits = [](const Message&) {
    return true;
  }) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      for (auto at = heard_.begin(); at != heard_.end(); ++at) {
        const auto* message = std::get_if<Message>(&*at);
        if (message == nullptr || !fits(*message)) continue;
        Message found = *message;
        heard_.erase(at);
        return found;
      }
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << "nothing of that kind came";
        return {};
      }
      for (HostNews& news : mailbox_.TakeAll(100ms)) {
        if (auto* message = std::get_if<FromHost>(&news.what))
          heard_.push_back(std::move(*message));
      }
    }
  }

  ExitRecord AwaitExit(std::int64_t job) {
    return Await<Exited>([job](const Exited& exited) { return exited.record.id.job.value == job; })
        .record;
  }

 private:
  Mailbox<HostNews> mailbox_;
  std::vector<FromHost> heard_;
  std::unique_ptr<Link> link_;
};

// A process that has ended and that its parent has not looked after yet does not live.
inline bool Lives(std::int64_t pid) {
  const std::optional<ProcessIdentity> identity = IdentityOf(pid);
  return identity && IsAlive(*identity);
}

class LocalHost : public testing::Test {
 protected:
  void SetUp() override {
    setenv("DDL_LEASE_DIR", (folder_ / "leases").c_str(), 1);
    Connect();
  }
  void TearDown() override {
    if (!connection_) Connect();
    for (const std::int64_t job : launched_)
      connection_->Send(Order{{{job}, 0}, OrderKind::kKill, {}});
    connection_.reset();
  }

  void Connect() {
    connection_ = agent_path_.empty() ? std::make_unique<HostConnection>(folder_ / "host", ++epoch_)
                                      : std::make_unique<HostConnection>(folder_ / "host", ++epoch_,
                                                                         false, "", agent_path_);
    welcome_ = connection_->Await<Welcome>();
  }

  // Agents kill what is left of a rank by its token, all over the machine: tests that run side by
  // side must not have each other's.
  static std::string TokenOf(std::int64_t job) {
    return "token-" + std::to_string(::getpid()) + "-" + std::to_string(job);
  }
  LaunchRecord Shell(std::int64_t job, const std::string& script) {
    LaunchRecord record{.id = {{job}, 0},
                        .token = TokenOf(job),
                        .sweep = "contract",
                        .trial = {job},
                        .trial_number = job,
                        .argv = {"/bin/sh", "-c", script},
                        .workdir = folder_.Path(),
                        .params_json = R"({"x":1})",
                        .checkpoint_name = "trial-" + std::to_string(job),
                        .grace = 200ms};
    record.slots.cores = {{welcome_.facts.cores.at(0), 0, 100}};
    return record;
  }
  void Start(const LaunchRecord& record) {
    launched_.push_back(record.id.job.value);
    connection_->Send(Launch{record});
  }
  ExitRecord RunToEnd(const LaunchRecord& record) {
    Start(record);
    return connection_->AwaitExit(record.id.job.value);
  }
  [[nodiscard]] std::string FileOf(std::int64_t job, const std::string& name) const {
    std::ifstream stream(welcome_.facts.folder + "/jobs/" + std::to_string(job) + ".0/" + name);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  // A pipe that a script opens to tell that it got there; opening it waits for the other side.
  std::string MakePipe(const std::string& name) {
    EXPECT_EQ(mkfifo((folder_ / name).c_str(), 0600), 0);
    return folder_ / name;
  }
  static std::string ReadLine(const std::string& path) {
    std::ifstream stream(path);
    std::string line;
    std::getline(stream, line);
    return line;
  }

  TemporaryFolder folder_;
  std::string agent_path_;  // "": the built one
  std::unique_ptr<HostConnection> connection_;
  Welcome welcome_;
  std::uint64_t epoch_ = 0;
  std::vector<std::int64_t> launched_;
};

}  // namespace ddl
