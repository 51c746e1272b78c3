// SPDX-License-Identifier: Apache-2.0
// The end of a link to this machine, where its agent does not end by itself.
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "tests/runner/real_host.h"

namespace ddl {
namespace local_link_test {

using LocalLink = LocalHost;

TEST_F(LocalLink, AnAgentThatIsStoppedKeepsNobodyWaiting) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready; exit 3"));
  EXPECT_EQ(ReadLine(ready), "up");
  const StartRecord start = connection_->Await<Started>().record;
  const auto supervisor = ReadProcessStat(start.supervisor.pid);
  ASSERT_TRUE(supervisor);
  const auto agent = IdentityOf(supervisor->parent);
  ASSERT_TRUE(agent);
  ASSERT_TRUE(SendSignal(*agent, SIGSTOP));
  // Else whoever waits for it would wait for ever.
  std::promise<void> done;
  std::thread wakes([&agent, ended = done.get_future()] {
    if (ended.wait_for(kPatience) != std::future_status::ready) (void)SendSignal(*agent, SIGCONT);
  });
  const auto begun = std::chrono::steady_clock::now();
  connection_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kPatience / 2);
  done.set_value();
  wakes.join();
  EXPECT_FALSE(IsAlive(*agent));
  Connect();
  ASSERT_EQ(welcome_.found.size(), 1U);
  EXPECT_EQ(welcome_.found[0].state, FoundState::kAlive);
  connection_->Send(Adopt{{{1}, 0}, TokenOf(1), 0});
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).exit_code, 3);
}

}  // namespace local_link_test
}  // namespace ddl
