// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <sys/stat.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace sweep_test {

using Sweep = RealDdl;

constexpr const char* kTrueGrid = R"(
name: grid
command: [/bin/true]
method: grid
parameters: {a: {values: [1, 2, 3]}, b: {values: [x, y]}}
)";

// A trial that tells its step, then waits until somebody writes to the pipe of its number.
constexpr const char* kWaiting = R"(
name: waiting
command: [/bin/sh, wait.sh, "${args_no_hyphens}"]
method: grid
parameters: {n: {values: [1, 2]}}
resources: {cpus: 0.1}
metric: {name: loss, goal: minimize}
)";
constexpr const char* kWaitScript = R"(
echo "{\"step\": 1, \"loss\": 0.5}"
echo up > ready
read word < "go-${1#n=}"
echo "{\"step\": 2, \"loss\": 0.25}"
)";

TEST_F(Sweep, RunsAGridOnceAndRemembersIt) {
  const std::string spec = Write("grid.yaml", kTrueGrid);
  const Finished first = Ddl({"sweep", spec});
  EXPECT_EQ(first.code, 0) << first.error;
  const Json status = DdlJson({"status"});
  EXPECT_EQ(status.at("sweeps").at(0).at("sweep"), "grid");
  EXPECT_EQ(status.at("sweeps").at(0).at("counts").at("finished"), 6);
  const Finished again = Ddl({"sweep", spec});
  EXPECT_EQ(again.code, 0);
  EXPECT_NE(again.out.find("nothing to do"), std::string::npos) << again.out;
}

TEST_F(Sweep, RefusesABadSpecAndWritesNothing) {
  const std::string spec = Write("bad.yaml", "name: bad\nmetod: grid\n");
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.error.find("bad.yaml:2:1"), std::string::npos) << done.error;
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/store"));
}

TEST_F(Sweep, RefusesAProgramThatCannotBeStartedAndWritesNothing) {
  Write("plain.sh", "true\n");
  const auto refusal = [this](const std::string& lines) {
    const std::string spec =
        Write("s.yaml", "name: s\nmethod: grid\nparameters: {x: {values: [1]}}\n" + lines + "\n");
    const Finished done = Ddl({"sweep", spec});
    EXPECT_EQ(done.code, 2) << lines;
    EXPECT_EQ(Ddl({"validate", spec}).code, 2) << lines;
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/store")) << lines;
    return done.error;
  };
  const auto before = [this](int column) {
    return "ddl: " + folder_ + "/s.yaml:4:" + std::to_string(column) + ": ";
  };
  const auto quoted = [](const std::string& line, int column) {
    return "\n  " + line + "\n" + std::string(static_cast<std::size_t>(column) + 1, ' ') + "^\n";
  };
  EXPECT_EQ(refusal("command: [/nonexistent/x]"),
            before(11) + "no such program: /nonexistent/x (in " + folder_ +
                "); mend it, or workdir" + quoted("command: [/nonexistent/x]", 11));
  EXPECT_EQ(refusal("command: [nonexistent-x]"),
            before(11) +
                "no such program: nonexistent-x; write its path, or ./NAME for one in workdir" +
                quoted("command: [nonexistent-x]", 11));
  EXPECT_EQ(refusal("command: [./plain.sh]"), before(11) + "not executable: ./plain.sh; chmod +x " +
                                                  folder_ +
                                                  "/./plain.sh, or put its interpreter before it" +
                                                  quoted("command: [./plain.sh]", 11));
  EXPECT_EQ(refusal("command: [python3, gone.py, --fast]"),
            before(20) + "no such program: gone.py (in " + folder_ + "); mend it, or workdir" +
                quoted("command: [python3, gone.py, --fast]", 20));
  EXPECT_EQ(Ddl({"run", "--", "nonexistent-x"}).code, 2);
  EXPECT_EQ(refusal("program: missing.py"), before(10) + "no such program: missing.py (in " +
                                                folder_ + "); mend program, or workdir" +
                                                quoted("program: missing.py", 10));
}

TEST_F(Sweep, SaysOnceHowItSearches) {
  const std::string spec = Write("s.yaml",
                                 "name: s\nmethod: auto\nmetric: {name: loss}\nrun_cap: 2\n"
                                 "resources: {cpus: 0.1}\nparameters: {x: {min: 0.0, max: 1.0}}\n"
                                 "command: [sh, -c, 'echo \"{\\\"loss\\\": 1}\"']\n");
  const std::string note = "search: auto chooses gp: 2 configurations of 1 parameter";
  const Finished done = Ddl({"sweep", spec});
  EXPECT_EQ(done.code, 0) << done.error;
  const std::size_t at = done.out.find(note);
  ASSERT_NE(at, std::string::npos) << done.out;
  EXPECT_EQ(done.out.find(note, at + 1), std::string::npos);
  EXPECT_EQ(DdlJson({"show", "s"}).at("events").size(), 1U);
  const Finished shown = Ddl({"status", "s"});
  EXPECT_NE(shown.out.find(note.substr(8)), std::string::npos) << shown.out;
}

TEST_F(Sweep, RefusesASearchThatCannotBeStartedAndWritesNothing) {
  Write("plain.sh", "true\n");
  const auto refusal = [this](const std::string& command) {
    const std::string spec = Write("s.yaml",
                                   "name: s\nmethod: custom\nmetric: {name: loss}\n"
                                   "command: [\"true\"]\nparameters: {x: {values: [1, 2]}}\n"
                                   "run_cap: 2\nsearch:\n  command: " +
                                       command + "\n");
    const Finished done = Ddl({"validate", spec});
    for (const char* verb : {"validate", "sweep", "ask"}) {
      const Finished same = Ddl({verb, spec});
      EXPECT_EQ(same.code, 2) << verb << command;
      EXPECT_EQ(same.error, done.error);
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/store/ddl.db")) << command;
    return done.error.substr(0, done.error.find('\n'));
  };
  const std::string before = "ddl: " + folder_ + "/s.yaml:8:";
  EXPECT_EQ(refusal("[nonexistent-x]"),
            before +
                "13: no such program: nonexistent-x; write its path, or ./NAME for one in "
                "workdir");
  EXPECT_EQ(refusal("[./plain.sh, 7]"), before + "13: not executable: ./plain.sh; chmod +x " +
                                            folder_ +
                                            "/./plain.sh, or put its interpreter before it");
  EXPECT_EQ(refusal("[python3, gone.py]"),
            before + "22: no such program: gone.py (in " + folder_ + "); mend it, or workdir");
}

TEST_F(Sweep, RefusesWhatTheTrainerWouldRefuseAndWritesNothing) {
  const auto expect = [this](const std::string& trainer, const std::string& refusal) {
    const std::string spec =
        Write("trainer.yaml", fmt::format("trainer: {{{}}}\nmethod: grid\nhosts: [local]\n"
                                          "parameters: {{epochs: {{values: [1]}}}}\n",
                                          trainer));
    for (const char* verb : {"validate", "sweep"}) {
      const Finished done = Ddl({verb, spec});
      EXPECT_EQ(done.code, 2) << trainer;
      EXPECT_NE(done.error.find(refusal), std::string::npos) << done.error;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/store"));
  };
  expect("data: blobs, optimizer: {lrr: 0.1}", "optimizer.lrr: unknown key; did you mean 'lr'?");
  expect("data: {type: csv, train: x.csv, lable: y}",
         "data.lable: unknown key; did you mean 'label'?");
  expect("data: {type: csv, train: nowhere.csv}", "no file nowhere.csv (looked in " + folder_);
  expect("data: {type: images, train: nowhere}", "no file nowhere (looked in " + folder_);
  expect("data: {type: packed, file: nowhere.ddl}", "no file nowhere.ddl (looked in " + folder_);
}

TEST_F(Sweep, TellsAtWhichStepATrainingDivergedAndDoesNotTryAgain) {
  const std::string spec = Write("diverges.yaml", R"(
trainer: {data: {type: blobs, rows: 600}, model: {type: mlp, hidden: [8, 8]}, epochs: 3}
method: grid
retries: 3
parameters: {optimizer.lr: {values: [0.1, 1.0e+35]}}
)");
  (void)Ddl({"sweep", spec});
  const Finished shown = Ddl({"show", "diverges/2"});
  EXPECT_NE(shown.out.find("diverged at step "), std::string::npos) << shown.out << shown.error;
  EXPECT_EQ(shown.out.find("attempts"), shown.out.rfind("attempts")) << "only one:\n" << shown.out;
  const Finished report = Ddl({"report"});
  EXPECT_NE(report.out.find("diverged at step "), std::string::npos) << report.out;
}

TEST_F(Sweep, EverySampleIsFine) {
  int samples = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(DDL_SOURCE_DIR) + "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    ++samples;
    const Finished done = Ddl({"validate", entry.path()});
    EXPECT_EQ(done.code, 0) << entry.path() << done.error;
  }
  EXPECT_GE(samples, 5);
}

TEST_F(Sweep, TrainsTheSmokeSample) {
  const Finished done =
      Ddl({"sweep", std::string(DDL_SOURCE_DIR) + "/configs/smoke.yaml", "--fail-fast"});
  EXPECT_EQ(done.code, 0) << done.error << done.out;
  EXPECT_EQ(Ddl({"report", "--junit", "report.xml", "--best", "best.yaml"}).code, 0);
  EXPECT_NE(ReadText(folder_ + "/report.xml").find("<testsuite"), std::string::npos);
  EXPECT_EQ(Ddl({"validate", "best.yaml"}).code, 0);
  EXPECT_EQ(Ddl({"sweep", std::string(DDL_SOURCE_DIR) + "/configs/smoke.yaml", "--new",
                 "metric.target=2"})
                .code,
            4)
      << "a target that is missed";
}

TEST_F(Sweep, RunsTheSampleScripts) {
  for (const char* sample : {"own_script", "own_shell"}) {
    const Finished done =
        Ddl({"sweep", std::string(DDL_SOURCE_DIR) + "/configs/" + sample + ".yaml"});
    EXPECT_EQ(done.code, 0) << done.error << done.out;
    EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("counts").at("failed"), 0);
    EXPECT_FALSE(DdlJson({"report"}).at("best").is_null());
  }
}

TEST_F(Sweep, RunTracksOneCommand) {
  const Finished done = Ddl({"run", "--", "sh", "-c", "echo 'a b'; exit 3"});
  EXPECT_EQ(done.code, 1);
  EXPECT_EQ(Ddl({"logs", "1"}).out, "a b\n");
  EXPECT_EQ(DdlJson({"show", "1"}).at("attempts").at(0).at("exit_code"), 3);
}

TEST_F(Sweep, ADatabaseOfAnotherProgramStaysAsItIs) {
  std::filesystem::create_directory(folder_ + "/store");
  const std::string bytes(8192, 'x');
  const std::string database = Write("store/ddl.db", bytes);
  const Finished done = Ddl({"sweep", Write("grid.yaml", kTrueGrid)});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.error.find("not a database"), std::string::npos) << done.error;
  EXPECT_EQ(ReadText(database), bytes);
}

TEST_F(Sweep, AFolderThatCannotBeMadeIsTold) {
  const std::string spec = Write("grid.yaml", kTrueGrid);
  const std::string file = Write("file", "");
  ::setenv("DDL_HOME", (file + "/store").c_str(), 1);
  const Finished store = Ddl({"sweep", spec});
  EXPECT_EQ(store.code, 2);
  EXPECT_NE(store.error.find("by --store or DDL_HOME"), std::string::npos) << store.error;
  ::setenv("DDL_HOME", (folder_ + "/store").c_str(), 1);
  ::setenv("DDL_HOST_DIR", (file + "/host").c_str(), 1);
  const Finished host = Ddl({"sweep", spec});
  EXPECT_EQ(host.code, 2);
  EXPECT_NE(host.error.find("cannot make " + file + "/host"), std::string::npos) << host.error;
  EXPECT_NE(host.error.find("by DDL_HOST_DIR"), std::string::npos) << host.error;
  ::setenv("DDL_HOST_DIR", (folder_ + "/host").c_str(), 1);
}

TEST_F(Sweep, EveryCommandHelpsOnOneScreen) {
  for (const char* command :
       {"sweep", "run", "validate", "plan", "status", "watch", "report", "show", "logs", "explain",
        "stop", "pause", "resume", "retry", "extend", "train", "store", "doctor", "completion"}) {
    const Finished done = Ddl({command, "--help"});
    EXPECT_EQ(done.code, 0);
    EXPECT_NE(done.out.find("Usage"), std::string::npos);
    EXPECT_LT(std::ranges::count(done.out, '\n'), 25) << command;
  }
}

TEST_F(Sweep, SaysWhichMetricsItSawInsteadOfTheOneItNeeds) {
  Write("other.sh", "echo '{\"lose\": 1}'\n");
  const std::string spec = Write("metric.yaml", R"(
command: [/bin/sh, other.sh]
method: random
run_cap: 1
parameters: {a: {min: 0.0, max: 1.0}}
metric: {name: loss, goal: minimize}
)");
  EXPECT_EQ(Ddl({"sweep", spec}).code, 1);
  const Finished explained = Ddl({"explain", "1"});
  EXPECT_NE(explained.out.find("\"loss\""), std::string::npos) << explained.out;
  EXPECT_NE(explained.out.find("lose"), std::string::npos) << explained.out;
}

TEST_F(Sweep, WithoutAnEndGoesOnUntilItsTarget) {
  Write("third.sh", "[ \"$DDL_TRIAL\" = 3 ] && echo '{\"loss\": 0}' || echo '{\"loss\": 1}'\n");
  const std::string spec = Write("endless.yaml", R"(
command: [/bin/sh, third.sh]
method: random
parameters: {a: {min: 0.0, max: 1.0}}
metric: {name: loss, goal: minimize, target: 0.5}
)");
  const Finished planned = Ddl({"plan", "-n", "3", spec});
  EXPECT_NE(planned.out.find("trials until it is stopped, 3 of them here"), std::string::npos)
      << planned.out;
  EXPECT_EQ(Ddl({"sweep", spec}).code, 0);
  const Json sweep = DdlJson({"status"}).at("sweeps").at(0);
  EXPECT_EQ(sweep.at("outcome"), "target_reached");
  EXPECT_TRUE(sweep.at("planned").is_null());
  EXPECT_EQ(Ddl({"report"}).out.find(" of "), std::string::npos);
}

TEST_F(Sweep, SaysWhichProgramTheHostCouldNotStart) {
  const std::string script = Write("trian.sh", "#!/nonexistent/interpreter\n");
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  const std::string spec = Write("gone.yaml", R"(
command: [./trian.sh]
method: random
run_cap: 1
parameters: {a: {min: 0.0, max: 1.0}}
)");
  EXPECT_EQ(Ddl({"sweep", spec}).code, 1);
  const std::string why = Ddl({"explain", "1"}).out;
  EXPECT_NE(why.find("the interpreter that the first line of ./trian.sh names is not there"),
            std::string::npos)
      << why;
}

TEST_F(Sweep, FailFastEndsWithTheFirstFailure) {
  const std::string spec = Write("fail.yaml", R"(
command: [/bin/false]
method: random
run_cap: 50
parallel: 1
parameters: {a: {min: 0.0, max: 1.0}}
)");
  EXPECT_EQ(Ddl({"sweep", spec, "--fail-fast"}).code, 1);
  const Json counts = DdlJson({"status"}).at("sweeps").at(0).at("counts");
  EXPECT_EQ(counts.value("finished", 0), 0);
  EXPECT_LT(counts.value("failed", 0), 50);
}

class KilledSweep : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    spec_ = Write("waiting.yaml", kWaiting);
    Write("wait.sh", kWaitScript);
    MakePipe("ready");
    MakePipe("go-1");
    MakePipe("go-2");
  }
  // Returns once as many trials wait.
  void AwaitTrials(int count) const {
    const Ear ready(folder_ + "/ready");
    for (int seen = 0; seen < count; ++seen)
      EXPECT_EQ(ready.Line(), "up");
  }
  void LetGo() const {
    std::ofstream(folder_ + "/go-1") << "go\n" << std::flush;
    std::ofstream(folder_ + "/go-2") << "go\n" << std::flush;
  }
  std::string spec_;
};

TEST_F(KilledSweep, IsAdoptedAndLosesNothing) {
  auto coordinator = Start({"sweep", spec_});
  AwaitTrials(2);
  coordinator->Signal(SIGKILL);
  (void)coordinator->Wait();
  auto heir = Start({"sweep", spec_});
  LetGo();
  const Finished done = heir->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  for (const char* trial : {"1", "2"}) {
    const Json shown = DdlJson({"show", trial});
    EXPECT_EQ(shown.at("attempts").size(), 1U) << "restarted although alive";
    EXPECT_EQ(shown.at("metrics").at(0).at("reports"), 2);
    EXPECT_EQ(shown.at("metrics").at(0).at("last"), 0.25);
  }
}

TEST_F(KilledSweep, GoesOnWhileNobodyLooks) {
  auto coordinator = Start({"sweep", spec_});
  AwaitTrials(2);
  coordinator->Signal(SIGKILL);
  (void)coordinator->Wait();
  LetGo();
  const Finished done = Ddl({"sweep", spec_});
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_EQ(DdlJson({"show", "1"}).at("metrics").at(0).at("reports"), 2);
}

TEST_F(KilledSweep, SaysHowToGoOnAfterAnInterrupt) {
  auto coordinator = Start({"sweep", spec_});
  AwaitTrials(2);
  coordinator->Signal(SIGINT);
  const Finished done = coordinator->Wait();
  EXPECT_EQ(done.code, 130);
  EXPECT_NE(done.error.find("2 trials"), std::string::npos) << done.error;
  EXPECT_NE(done.error.find("ddl stop waiting"), std::string::npos) << done.error;
  EXPECT_NE(Ddl({"stop", "waiting"}).code, 3);
  EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("counts").at("canceled"), 2);
}

TEST_F(KilledSweep, ASecondCommandWatchesAndInherits) {
  auto coordinator = Start({"sweep", spec_});
  AwaitTrials(2);
  auto viewer = Start({"sweep", spec_, "--json"});
  while (viewer->Out().find("\"progress\"") == std::string::npos)
    std::this_thread::yield();
  coordinator->Signal(SIGKILL);
  (void)coordinator->Wait();
  LetGo();
  const Finished done = viewer->Wait();
  EXPECT_EQ(done.code, 0) << done.error;
  EXPECT_NE(done.out.find("\"ended\""), std::string::npos) << done.out;
}

TEST_F(KilledSweep, ADetachedSweepNeedsNoTerminal) {
  const Finished detached = Ddl({"sweep", spec_, "--detach"});
  EXPECT_EQ(detached.code, 0) << detached.error;
  AwaitTrials(2);
  auto viewer = Start({"watch", "--json"});
  while (viewer->Out().find("\"progress\"") == std::string::npos)
    std::this_thread::yield();
  LetGo();
  EXPECT_EQ(viewer->Wait().code, 0);
  EXPECT_EQ(Ddl({"watch"}).code, 0) << "watching what has ended tells how it ended";
}

TEST_F(KilledSweep, GoesOnAfterItWasStopped) {
  auto stopped = Start({"sweep", spec_, "parallel=1"});
  AwaitTrials(1);
  EXPECT_EQ(Ddl({"stop", "waiting"}).code, 0);
  EXPECT_EQ(stopped->Wait().code, 1);
  EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("state"), "stopped");
  auto again = Start({"sweep", spec_, "parallel=1"});
  AwaitTrials(1);
  std::ofstream(folder_ + "/go-2") << "go\n" << std::flush;
  EXPECT_EQ(again->Wait().code, 0);
  const Json sweep = DdlJson({"status"}).at("sweeps").at(0);
  EXPECT_EQ(sweep.at("counts").at("canceled"), 1) << "what was stopped stays so";
  EXPECT_EQ(sweep.at("counts").at("finished"), 1);
  EXPECT_EQ(sweep.at("state"), "finished");
}

TEST_F(KilledSweep, StopsATrialThroughItsCoordinator) {
  auto coordinator = Start({"sweep", spec_});
  AwaitTrials(2);
  EXPECT_EQ(Ddl({"stop", "waiting/1"}).code, 0);
  std::ofstream(folder_ + "/go-2") << "go\n" << std::flush;
  EXPECT_EQ(coordinator->Wait().code, 0) << "who stops a trial does not call it failed";
  const Json counts = DdlJson({"status"}).at("sweeps").at(0).at("counts");
  EXPECT_EQ(counts.at("canceled"), 1);
  EXPECT_EQ(counts.at("finished"), 1);
}

}  // namespace sweep_test
}  // namespace ddl
