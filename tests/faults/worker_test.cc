// SPDX-License-Identifier: Apache-2.0
// Trials that run as lanes of a worker: each has its own log, end and orders, and none has a
// neighbour's.
#include "runner/worker.h"

#include <csignal>

#include <fmt/format.h>

#include "runner/host_folder.h"
#include "tests/runner/real_host.h"

namespace ddl {
namespace worker_test {

using testing::HasSubstr;

class Worker : public LocalHost {
 protected:
  LaunchRecord Lane(std::int64_t job, const std::string& task, int lanes = 8) {
    LaunchRecord record = Shell(job, "echo alone; exit 5");
    record.params_json = R"({"do":")" + task + R"("})";
    record.worker = {std::string(DDL_BINARY_DIR) + "/tests/lane_worker"};
    record.lanes = lanes;
    if (task == "wait") record.grace = kPatience;  // it obeys, however late it gets its turn
    record.slots.cores = {{welcome_.facts.cores.at(0), static_cast<int>(job) * 10, 10}};
    return record;
  }
  // The pid of the worker that has begun the lane, from its log.
  std::int64_t AwaitWorker(std::int64_t job) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      const std::string log = FileOf(job, "log");
      if (log.starts_with("up ") && log.ends_with('\n')) return std::stoll(log.substr(3));
      std::this_thread::yield();
    }
    ADD_FAILURE() << "job " << job << " never began";
    return 0;
  }
  // Sockets and places of workers.
  [[nodiscard]] std::vector<std::string> LeftBehind() const {
    HostPaths paths{folder_ / "host", "0123456789abcdef", {}};
    paths.pipes_folder = ClaimPipesFolder(paths);
    std::vector<std::string> names;
    for (const std::string& name : ListFolder(paths.pipes_folder)) {
      if (name.starts_with("worker-")) names.push_back(name);
    }
    LeavePipesFolder(paths);
    return names;
  }
  void Stop(std::int64_t job) { connection_->Send(Order{{{job}, 0}, OrderKind::kStop, {}}); }
};

TEST_F(Worker, RunsTrialsSideBySideInOneProcess) {
  Start(Lane(1, "wait"));
  Start(Lane(2, "wait"));
  const std::int64_t worker = AwaitWorker(1);
  EXPECT_EQ(AwaitWorker(2), worker);
  const ExitRecord finished = RunToEnd(Lane(3, "finish"));
  EXPECT_EQ(finished.cause, EndCause::kExited);
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_GE(finished.cpu_ms, 1234);
  EXPECT_EQ(FileOf(3, "log"), fmt::format("up {}\n", worker));
  Stop(1);
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kStopped);
  EXPECT_TRUE(Lives(worker));
  Stop(2);
  EXPECT_EQ(connection_->AwaitExit(2).exit_code, 75);
  EXPECT_THAT(LeftBehind(), testing::IsEmpty());
}

// A GPU that it waits on is nobody else's; what is left of a trial is killed by that trial's token.
TEST_F(Worker, IsKnownAsOfDdlButHasNoTrialsToken) {
  Start(Lane(1, "wait"));
  const std::int64_t worker = AwaitWorker(1);
  EXPECT_TRUE(IsOfDdl(worker));
  const std::vector<ProcessIdentity> carriers = ProcessesWithToken(TokenOf(1));
  EXPECT_FALSE(carriers.empty());
  for (const ProcessIdentity& process : carriers)
    EXPECT_NE(process.pid, worker);
  Stop(1);
  connection_->AwaitExit(1);
}

TEST_F(Worker, TakesNoMoreLanesThanItMay) {
  for (const std::int64_t job : {1, 2, 3})
    Start(Lane(job, "wait", 2));
  const std::set<std::int64_t> workers{AwaitWorker(1), AwaitWorker(2), AwaitWorker(3)};
  EXPECT_EQ(workers.size(), 2U);
  Stop(1);
  Stop(2);
  Stop(3);
  for (const std::int64_t job : {1, 2, 3})
    connection_->AwaitExit(job);
}

TEST_F(Worker, ThatEndsIsNoFaultOfItsLanes) {
  Start(Lane(1, "wait"));
  const std::int64_t worker = AwaitWorker(1);
  const ExitRecord poison = RunToEnd(Lane(2, "crash"));
  EXPECT_EQ(poison.cause, EndCause::kWorkerLost);
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kWorkerLost);
  // The next one finds a socket that nobody listens on.
  Start(Lane(3, "wait"));
  EXPECT_NE(AwaitWorker(3), worker);
  Stop(3);
  connection_->AwaitExit(3);
  EXPECT_EQ(RunToEnd(Lane(4, "crash")).cause, EndCause::kWorkerLost);
  EXPECT_THAT(LeftBehind(), testing::IsEmpty());
}

TEST_F(Worker, ThatCannotStartLeavesTheTrialToItself) {
  LaunchRecord record = Lane(1, "finish");
  record.worker = {folder_ / "missing"};
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.cause, EndCause::kExited);
  EXPECT_EQ(exit.exit_code, 5);
  EXPECT_EQ(FileOf(1, "log"), "alone\n");
}

TEST_F(Worker, OfAnotherEnvironmentIsAnother) {
  Start(Lane(1, "wait"));
  LaunchRecord other = Lane(2, "wait");
  other.env = {{"LANG", "C"}};
  Start(other);
  EXPECT_NE(AwaitWorker(1), AwaitWorker(2));
  LaunchRecord seed = Lane(3, "wait");
  seed.env = {{"DDL_SEED", "3"}};  // of the lane
  Start(seed);
  EXPECT_EQ(AwaitWorker(1), AwaitWorker(3));
  for (const std::int64_t job : {1, 2, 3})
    Stop(job);
  for (const std::int64_t job : {1, 2, 3})
    connection_->AwaitExit(job);
}

// What a lane still writes is there before its end is told: a next attempt meets no late writer.
TEST_F(Worker, HasLetGoOfALaneBeforeItsEndIsTold) {
  Start(Lane(1, "wait"));
  AwaitWorker(1);
  Start(Lane(2, "deaf"));
  AwaitWorker(2);
  Stop(2);
  const ExitRecord exit = connection_->AwaitExit(2);
  EXPECT_EQ(exit.cause, EndCause::kStopped);
  EXPECT_EQ(FileOf(2, "output/late"), "written after its client");
  EXPECT_TRUE(Lives(AwaitWorker(1)));
  Stop(1);
  connection_->AwaitExit(1);
}

// A supervisor that is gone takes its lane along, and no other.
TEST_F(Worker, LosesTheLaneWhoseSupervisorIsKilled) {
  Start(Lane(1, "wait"));
  const std::int64_t worker = AwaitWorker(1);
  Start(Lane(2, "deaf"));
  const StartRecord started =
      connection_->Await<Started>([](const Started& news) { return news.record.id.job.value == 2; })
          .record;
  AwaitWorker(2);
  ::kill(static_cast<pid_t>(started.supervisor.pid), SIGKILL);
  EXPECT_EQ(connection_->AwaitExit(2).cause, EndCause::kSupervisorLost);
  EXPECT_TRUE(Lives(worker));
  Stop(1);
  EXPECT_EQ(connection_->AwaitExit(1).exit_code, 75);
}

}  // namespace worker_test
}  // namespace ddl
