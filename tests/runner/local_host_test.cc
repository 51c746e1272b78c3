// SPDX-License-Identifier: Apache-2.0
// What every link promises, on the local one: a real agent, real supervisors, real trials.
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/cgroup.h"
#include "tests/runner/real_host.h"
#include "tests/sanitized.h"

namespace ddl {
namespace local_host_test {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST_F(LocalHost, TellsHowATrialEnded) {
  EXPECT_EQ(RunToEnd(Shell(1, "exit 7")).exit_code, 7);
  const ExitRecord killed = RunToEnd(Shell(2, "kill -SEGV $$"));
  EXPECT_EQ(killed.cause, EndCause::kSignaled);
  EXPECT_EQ(killed.signal, SIGSEGV);
  EXPECT_EQ(killed.detail, "killed by signal 11 (SEGV)");
}

TEST_F(LocalHost, GivesATrialItsEnvironment) {
  LaunchRecord record = Shell(1, "env; cat $DDL_PARAMS; pwd; cat \"$0\"");
  record.argv.emplace_back("${args_json_file}");
  record.env = {{"OWN", "value"}};
  EXPECT_EQ(RunToEnd(record).exit_code, 0);
  const std::string log = FileOf(1, "log");
  for (const char* line : {"DDL_SWEEP=contract", "DDL_TRIAL=1", "DDL_ATTEMPT=1", "OWN=value",
                           "OMP_NUM_THREADS=1", "PYTHONUNBUFFERED=1", "{\"x\":1}{\"x\":1}"}) {
    EXPECT_TRUE(log.find(line) != std::string::npos ||
                (std::string(line).starts_with("{") && log.find("{\"x\":1}") != std::string::npos))
        << line << " is not in\n"
        << log;
  }
  EXPECT_THAT(log, HasSubstr(folder_.Path()));
}

TEST_F(LocalHost, TellsThatAGpuIsFreeAgain) {
  const std::string users = folder_ / "users";
  std::ofstream(users) << "GPU-1, 1\n";
  std::filesystem::create_directory(folder_ / "bin");
  const std::string program = folder_ / "bin/nvidia-smi";
  std::ofstream(program) << "#!/bin/sh\ncase $1 in\n--query-gpu*) echo '0, GPU-1, H100, 80, 1, "
                            "00000000:01:00.0';;\n*) cat '"
                         << users << "';;\nesac\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  setenv("PATH", (folder_ / "bin:" + path).c_str(), 1);
  Connect();
  setenv("PATH", path.c_str(), 1);
  ASSERT_EQ(welcome_.facts.gpus.size(), 1);
  EXPECT_TRUE(welcome_.facts.gpus[0].used_by_others);
  std::ofstream(users).close();
  EXPECT_FALSE(connection_->Await<FactsChanged>().facts.gpus.at(0).used_by_others);
}

TEST_F(LocalHost, TakesMetricsFromOutputPipeAndPatterns) {
  LaunchRecord record = Shell(1, R"(
echo '{"step": 5, "loss": 0.5, "ok": true}'
echo 'acc=0.75 of all'
echo '{"loss": NaN}' > "$DDL_METRICS"
echo '{"loss": "text"}'
echo plain)");
  record.captures = {{"acc", "acc=([0-9.]+)"}};
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.last_seq, 3);
  EXPECT_THAT(exit.metric_names, UnorderedElementsAre("loss", "ok", "acc"));
  std::map<std::int64_t, MetricReport> reports;
  while (reports.size() < 3) {
    for (const MetricReport& report : connection_->Await<Metrics>().reports)
      reports[report.seq] = report;
  }
  std::map<std::string, double> values;
  for (const auto& [seq, report] : reports) {
    for (const auto& [name, value] : report.values)
      values[name + (report.step == 5 ? " at 5" : "")] = value;
  }
  EXPECT_EQ(values.at("loss at 5"), 0.5);
  EXPECT_EQ(values.at("ok at 5"), 1.0);
  EXPECT_EQ(values.at("acc"), 0.75);
  const std::string log = FileOf(1, "log");
  EXPECT_THAT(log, HasSubstr("{\"loss\": \"text\"}\nplain\n"));
  EXPECT_THAT(log, HasSubstr("acc=0.75 of all\n")) << "what a pattern reads is log too";
  EXPECT_EQ(log.find("\"step\""), std::string::npos) << "a metric line is no log";
}

TEST_F(LocalHost, SaysWhyAProgramDidNotStart) {
  LaunchRecord record = Shell(1, "");
  record.argv = {"./trian.sh"};
  EXPECT_EQ(RunToEnd(record).detail, "no such program: ./trian.sh (in " + folder_.Path() + ")");
  std::ofstream(folder_ / "plain") << "echo hello\n";
  record = Shell(2, "");
  record.argv = {"./plain"};
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.cause, EndCause::kCouldNotStart);
  EXPECT_EQ(exit.detail, "not executable: ./plain; chmod +x it");
  record = Shell(3, "");
  record.workdir = folder_ / "gone";
  EXPECT_EQ(RunToEnd(record).detail, "no such directory: " + (folder_ / "gone"));
}

TEST_F(LocalHost, KillsTheWholeTreeAtTheTimeLimit) {
  const std::string pipe = MakePipe("pids");
  // A child in a session of its own that ignores TERM, and a grandchild whose parent is gone.
  LaunchRecord record = Shell(1,
                              "trap '' TERM; setsid sh -c 'trap \"\" TERM; (sleep 1000 & echo "
                              "$$ $! > pids); sleep 1000'");
  record.timeout = 300ms;
  Start(record);
  std::int64_t child = 0;
  std::int64_t grandchild = 0;
  std::ifstream(pipe) >> child >> grandchild;
  const ExitRecord exit = connection_->AwaitExit(1);
  EXPECT_EQ(exit.cause, EndCause::kTimedOut);
  EXPECT_EQ(exit.detail, "longer than timeout_s: 0.3");
  for (const std::int64_t pid : {child, grandchild}) {
    ASSERT_GT(pid, 0);
    EXPECT_FALSE(Lives(pid)) << "pid " << pid << " is left";
  }
}

TEST_F(LocalHost, EndsATrialThatTakesMoreMemoryThanItsOwn) {
  LaunchRecord record =
      Shell(1, "exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'");  // doubles without end
  record.slots.memory_mib = 64;
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.cause, EndCause::kOutOfMemory);
  EXPECT_THAT(exit.detail, HasSubstr("GiB of 0.1 GiB"));
}

// Faster than anybody reads. `letters`: of the metric's name.
std::string FloodOfMetrics(int letters) {
  return "exec yes \"{\\\"$(printf %0" + std::to_string(letters) +
         "d 0)\\\": 1}\" > \"$DDL_METRICS\"";
}

TEST_F(LocalHost, AFloodOfMetricsKeepsNoDeadlineWaiting) {
  LaunchRecord record = Shell(1, FloodOfMetrics(1));
  record.timeout = 300ms;
  Start(record);
  const StartRecord start = connection_->Await<Started>().record;
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kTimedOut);
  (void)SendSignal(start.supervisor, SIGKILL);  // should it not have heard
}

TEST_F(LocalHost, AFloodOfMetricsIsHeldBackAndHearsOrders) {
  Start(Shell(1, FloodOfMetrics(1000)));
  const StartRecord start = connection_->Await<Started>().record;
  const Notice notice = connection_->Await<Notice>();
  EXPECT_THAT(notice.text, HasSubstr("waits: its metrics are not taken"));
  std::ifstream status("/proc/" + std::to_string(start.supervisor.pid) + "/status");
  std::int64_t peak_kib = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) peak_kib = std::stol(line.substr(6));
  }
  EXPECT_GT(peak_kib, 0);
  if (!kIsSanitized) {
    EXPECT_LT(peak_kib, 32 * 1024);
  }
  connection_->Send(Order{{{1}, 0}, OrderKind::kStop, {}});
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kStopped);
  (void)SendSignal(start.supervisor, SIGKILL);  // should it not have heard
}

TEST_F(LocalHost, StopsByTermFirstAndHandsLinesIn) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1,
              "trap 'echo left in order; exit 75' TERM; read line < $DDL_CONTROL; echo got "
              "$line; echo up > ready; while :; do sleep 0.01; done"));
  connection_->Await<Started>();
  connection_->Send(Order{{{1}, 0}, OrderKind::kControl, R"({"checkpoint":1})"});
  EXPECT_EQ(ReadLine(ready), "up");
  connection_->Send(Order{{{1}, 0}, OrderKind::kStop, {}});
  const ExitRecord exit = connection_->AwaitExit(1);
  EXPECT_EQ(exit.exit_code, 75);
  EXPECT_THAT(FileOf(1, "log"), HasSubstr("got {\"checkpoint\":1}\n"));
  EXPECT_THAT(FileOf(1, "log"), HasSubstr("left in order\n"));
}

TEST_F(LocalHost, HearsAnOrderThatCameBeforeItsSupervisorWasThere) {
  for (std::int64_t job = 1; job <= 20; ++job) {
    const LaunchRecord record = Shell(job, "exec sleep 1000");
    Start(record);
    connection_->Send(Order{{{job}, 0}, OrderKind::kStop, {}});
    EXPECT_EQ(connection_->AwaitExit(job).cause, EndCause::kStopped);
  }
}

TEST_F(LocalHost, LeavesNoPipesBehind) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo $DDL_METRICS > ready; read go < ready"));
  const std::string pipe = ReadLine(ready);
  struct stat facts{};
  EXPECT_EQ(stat(pipe.c_str(), &facts), 0);
  EXPECT_TRUE(S_ISFIFO(facts.st_mode)) << pipe;
  std::ofstream(ready) << "go\n" << std::flush;
  (void)connection_->AwaitExit(1);
  EXPECT_NE(stat(pipe.c_str(), &facts), 0) << pipe;
}

TEST_F(LocalHost, StartsTheSameLaunchOnce) {
  const LaunchRecord record = Shell(1, "echo once >> starts");
  Start(record);
  Start(record);
  (void)connection_->AwaitExit(1);
  (void)RunToEnd(Shell(2, "true"));
  std::ifstream starts(folder_ / "starts");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(starts), {}), "once\n");
}

TEST_F(LocalHost, KeepsALaunchUntilItsSlotIsFree) {
  const std::string ready = MakePipe("ready");
  LaunchRecord first = Shell(1, "echo up > ready; read go < ready; echo first >> order");
  LaunchRecord second = Shell(2, "echo second >> order");
  Start(first);
  EXPECT_EQ(ReadLine(ready), "up");
  Start(second);
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(2).exit_code, 0);
  std::ifstream order(folder_ / "order");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(order), {}), "first\nsecond\n");
}

TEST_F(LocalHost, RefusesASlotThatSomebodyElseHolds) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready"));
  EXPECT_EQ(ReadLine(ready), "up");
  // Another store on the same machine.
  HostConnection other(folder_ / "other-host", 1);
  (void)other.Await<Welcome>();
  other.Send(Launch{Shell(9, "true")});
  const SlotBusy busy = other.Await<SlotBusy>();
  EXPECT_EQ(busy.token, TokenOf(9));
  EXPECT_THAT(busy.holder, HasSubstr("contract"));
  std::ofstream(ready) << "go\n" << std::flush;
  (void)connection_->AwaitExit(1);
  other.Send(Launch{Shell(10, "true")});
  EXPECT_EQ(other.AwaitExit(10).exit_code, 0);
}

TEST_F(LocalHost, OutlivesItsAgentAndIsAdopted) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo '{\"loss\": 1}'; echo up > ready; read go < ready; echo '{\"loss\": 2}'"));
  EXPECT_EQ(ReadLine(ready), "up");
  Connect();
  ASSERT_EQ(welcome_.found.size(), 1U);
  EXPECT_EQ(welcome_.found[0].state, FoundState::kAlive);
  EXPECT_EQ(welcome_.found[0].token, TokenOf(1));
  connection_->Send(Adopt{{{1}, 0}, TokenOf(1), 1});
  (void)connection_->Await<Started>();
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).last_seq, 2);
  const Metrics metrics = connection_->Await<Metrics>();
  EXPECT_EQ(metrics.reports.at(0).seq, 2) << "what was committed is not sent again";
}

// As `ddl sweep | tee` when ddl is killed: who reads the pipe waits for no trial.
TEST_F(LocalHost, NoSupervisorHoldsTheStreamsOfWhoStartedItsAgent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  std::fflush(nullptr);
  std::map<int, FileDescriptor> kept;
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    kept[standard] = FileDescriptor(fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    dup2(writing.Get(), standard);
  }
  Connect();
  for (const auto& [standard, copy] : kept)
    dup2(copy.Get(), standard);
  writing.Reset();
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo $$ > ready; read go < ready; echo seen"));
  const std::int64_t trial = std::stol(ReadLine(ready));
  connection_.reset();  // with its agent
  pollfd ended{reading.Get(), POLLIN, 0};
  ASSERT_EQ(poll(&ended, 1, int(std::chrono::milliseconds(kPatience).count())), 1);
  char byte = 0;
  EXPECT_EQ(read(reading.Get(), &byte, 1), 0);
  EXPECT_TRUE(Lives(trial));
  Connect();
  connection_->Send(Adopt{{{1}, 0}, TokenOf(1), 0});
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).exit_code, 0);
  EXPECT_EQ(FileOf(1, "log"), "seen\n");
}

TEST_F(LocalHost, KeepsALaunchUntilAnAdoptedRankHasEnded) {
  const std::string ready = MakePipe("ready");
  const LaunchRecord first = Shell(1, "echo up > ready; read go < ready; echo first >> order");
  Start(first);
  EXPECT_EQ(ReadLine(ready), "up");
  Connect();
  connection_->Send(Adopt{first.id, first.token, 0, first.slots});
  (void)connection_->Await<Started>();
  Start(Shell(2, "echo second >> order"));
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(2).exit_code, 0);
  std::ifstream order(folder_ / "order");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(order), {}), "first\nsecond\n");
}

TEST_F(LocalHost, TellsOfAnEndThatNobodyHeard) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready; exit 3"));
  EXPECT_EQ(ReadLine(ready), "up");
  connection_.reset();
  std::ofstream(ready) << "go\n" << std::flush;
  Connect();
  connection_->Send(Adopt{{{1}, 0}, TokenOf(1), 0});
  EXPECT_EQ(connection_->AwaitExit(1).exit_code, 3);
}

TEST_F(LocalHost, ADamagedRecordIsThatRanksOwnMisfortune) {
  (void)RunToEnd(Shell(1, "true"));
  const StartRecord start = connection_->Await<Started>().record;
  while (IsAlive(start.supervisor))
    std::this_thread::yield();
  std::ofstream(welcome_.facts.folder + "/jobs/1.0/exit.json", std::ios::app)
      << std::string(std::size_t{17} << 20U, 'x');
  Connect();
  ASSERT_EQ(welcome_.found.size(), 1U);
  EXPECT_EQ(welcome_.found[0].state, FoundState::kLost);
  EXPECT_EQ(welcome_.found[0].token, TokenOf(1));
  connection_->Send(Adopt{{{1}, 0}, TokenOf(1), 0});
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kSupervisorLost);
  EXPECT_EQ(RunToEnd(Shell(2, "exit 7")).exit_code, 7);
}

TEST_F(LocalHost, TakesTheTrialAlongWhenASupervisorIsKilled) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo $$ > ready; read go < ready"));
  const auto trial = static_cast<pid_t>(std::stol(ReadLine(ready)));
  const StartRecord start = connection_->Await<Started>().record;
  EXPECT_EQ(start.pid, trial);
  kill(static_cast<pid_t>(start.supervisor.pid), SIGKILL);
  const ExitRecord exit = connection_->AwaitExit(1);
  EXPECT_EQ(exit.cause, EndCause::kSupervisorLost);
  EXPECT_FALSE(Lives(trial)) << "the trial is left";
  connection_->Send(Settled{{{1}, 0}});
  connection_.reset();
  Connect();
  EXPECT_TRUE(welcome_.found.empty()) << "settled, so `ddl gc` may have it";
}

// Waits until the trial is in a cgroup of its own, which it is after a tenth of a second.
constexpr const char* kUntilEnclosed =
    "until grep -q ddl-token- /proc/self/cgroup; do read -t 0.01 nothing < $DDL_CONTROL; done; ";

TEST_F(LocalHost, ACgroupHoldsWhatHidesFromAllElse) {
  if (CgroupAbove().empty()) GTEST_SKIP() << "no cgroup can be made here";
  const std::string ready = MakePipe("ready");
  LaunchRecord record = Shell(1, kUntilEnclosed + ("env -i setsid sh -c 'echo $$ > " + ready) +
                                     "; exec sleep 1000' & wait");
  record.argv[0] = "/bin/bash";
  Start(record);
  const auto hidden = static_cast<pid_t>(std::stol(ReadLine(ready)));
  const StartRecord start = connection_->Await<Started>().record;
  EXPECT_TRUE(CgroupWithToken(hidden, TokenOf(1)));
  const std::string cgroup = CgroupWithToken(hidden, TokenOf(1)).value_or("");
  // Neither descent nor environment tells whose it is once these two are gone.
  kill(static_cast<pid_t>(start.supervisor.pid), SIGSTOP);
  kill(static_cast<pid_t>(start.pid), SIGKILL);
  kill(static_cast<pid_t>(start.supervisor.pid), SIGKILL);
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kSupervisorLost);
  EXPECT_FALSE(Lives(hidden)) << "pid " << hidden << " is left";
  EXPECT_FALSE(std::filesystem::exists(cgroup));
}

TEST_F(LocalHost, NamesAnEndByTheKernelForWantOfMemory) {
  const std::string limited = "/sys/fs/cgroup/memory/ddl-test-" + std::to_string(getpid());
  if (CgroupAbove().empty() || mkdir(limited.c_str(), 0700) != 0) {
    GTEST_SKIP() << "no limit of memory can be set here";
  }
  std::ofstream(limited + "/memory.limit_in_bytes") << (std::int64_t{64} << 20);
  LaunchRecord record =
      Shell(1, kUntilEnclosed + ("echo $$ > " + limited) +
                   "/cgroup.procs; exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'");
  record.argv[0] = "/bin/bash";
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.cause, EndCause::kOutOfMemory);
  EXPECT_EQ(exit.detail, "the kernel killed it: no memory was left");
  rmdir(limited.c_str());
}

TEST_F(LocalHost, ASupervisorWhoseFolderIsRemovedDoesNotStay) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready"));
  EXPECT_EQ(ReadLine(ready), "up");
  const StartRecord start = connection_->Await<Started>().record;
  RemoveTree(welcome_.facts.folder + "/jobs/1.0");
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kSupervisorLost);
  EXPECT_FALSE(Lives(start.supervisor.pid));
}

TEST_F(LocalHost, MetricsThatCannotBeWrittenDoNotKeepASupervisorWhoseFolderIsRemoved) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready; echo '{\"loss\": 1}'"));
  EXPECT_EQ(ReadLine(ready), "up");
  const StartRecord start = connection_->Await<Started>().record;
  RemoveTree(welcome_.facts.folder + "/jobs/1.0");
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).cause, EndCause::kSupervisorLost);
  EXPECT_FALSE(Lives(start.supervisor.pid));
}

TEST_F(LocalHost, HearsNoCoordinatorThatALaterOneFollowed) {
  const std::string ready = MakePipe("ready");
  Start(Shell(1, "echo up > ready; read go < ready; exit 3"));
  EXPECT_EQ(ReadLine(ready), "up");
  HostConnection later(folder_ / "host", epoch_ + 1);
  const Welcome welcome = later.Await<Welcome>();
  ASSERT_EQ(welcome.found.size(), 1U);
  later.Send(Adopt{{{1}, 0}, TokenOf(1), 0});
  (void)later.Await<Started>();
  // The first one slept; what it says now has no effect.
  connection_->Send(Order{{{1}, 0}, OrderKind::kKill, {}});
  EXPECT_THAT(connection_->Await<Refused>().reason, HasSubstr("a later coordinator"));
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(later.AwaitExit(1).exit_code, 3);
  epoch_ += 1;
  connection_.reset();
}

TEST_F(LocalHost, RefusesACopyOfAStoreThatIsStillThere) {
  const std::string first = welcome_.facts.hostname + ":" + folder_.Path();
  std::ofstream(folder_ / "ddl.db") << "";
  const auto connect = [&](const std::string& holder, bool take_over) {
    return std::make_unique<HostConnection>(folder_ / "host", ++epoch_, take_over, holder);
  };
  (void)connect(first, false)->Await<Welcome>();
  const Refused refused = connect("other:/copy", false)->Await<Refused>();
  EXPECT_EQ(refused.reason, "this store is a copy: its trials here belong to " + first);
  EXPECT_THAT(refused.hint, HasSubstr("--take-over"));
  (void)connect("other:/copy", true)->Await<Welcome>();
  EXPECT_THAT(connect(first, false)->Await<Refused>().reason, HasSubstr("other:/copy"))
      << "of another host nobody can tell whether it lives";
  (void)connect(first, true)->Await<Welcome>();
  std::filesystem::remove(folder_ / "ddl.db");
  (void)connect("other:/moved", false)->Await<Welcome>();
}

// An agent may die between the fork of a supervisor and the claim of its folder.
TEST_F(LocalHost, AdoptsWhatALaunchThatIsSentAgainFinds) {
  const std::string ready = MakePipe("ready");
  const LaunchRecord record = Shell(1, "echo up > ready; read go < ready; exit 3");
  Start(record);
  EXPECT_EQ(ReadLine(ready), "up");
  Connect();
  connection_->Send(Launch{record});
  EXPECT_EQ(connection_->Await<Started>().record.token, TokenOf(1));
  std::ofstream(ready) << "go\n" << std::flush;
  EXPECT_EQ(connection_->AwaitExit(1).exit_code, 3);
}

TEST_F(LocalHost, RefusesAnOlderEpoch) {
  HostConnection later(folder_ / "host", 10);
  (void)later.Await<Welcome>();
  HostConnection older(folder_ / "host", 5);
  const Refused refused = older.Await<Refused>();
  EXPECT_EQ(refused.epoch_seen, 10U);
  EXPECT_THAT(refused.reason, HasSubstr("a later coordinator (epoch 10, ours is 5)"));
  HostConnection taking(folder_ / "host", 5, true);
  (void)taking.Await<Welcome>();
  epoch_ = 20;
}

TEST_F(LocalHost, KeepsHeadAndTailOfALongLog) {
  LaunchRecord record =
      Shell(1, "echo begin; head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; echo end");
  const ExitRecord exit = RunToEnd(record);
  EXPECT_EQ(exit.log_bytes, 100'000'000 + 11);
  EXPECT_GT(exit.log_bytes_dropped, 0);
  EXPECT_TRUE(FileOf(1, "log").starts_with("begin\n"));
  EXPECT_TRUE(FileOf(1, "log.tail").ends_with("x\nend\n"));
}

}  // namespace local_host_test
}  // namespace ddl
