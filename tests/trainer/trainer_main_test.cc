// SPDX-License-Identifier: Apache-2.0
// The real ddl-trainer from outside.
#include <cerrno>
#include <csignal>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/json.h"
#include "tests/trainer/temporary_folder.h"

namespace ddl {
namespace trainer_main_test {

using testing::HasSubstr;

constexpr const char* kConfig = R"({"data": {"type": "blobs", "rows": 4000, "features": 64},
  "model": {"type": "mlp", "hidden": [32], "dropout": 0.1},
  "optimizer": {"type": "adam"}, "epochs": 12, "batch_size": 16, "seed": 5})";

class TrainerProcess {
 public:
  TrainerProcess(std::vector<std::string> words,
                 const std::map<std::string, std::string>& variables,
                 const std::string& error_file) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      const int error = open(error_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(error, 2);
      close(ends[0]);
      close(ends[1]);
      for (const auto& [name, value] : variables)
        setenv(name.c_str(), value.c_str(), 1);
      words.insert(words.begin(), std::string(DDL_BINARY_DIR) + "/ddl-trainer");
      std::vector<char*> argv;
      for (std::string& word : words)
        argv.push_back(word.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    out_ = ends[0];
  }
  TrainerProcess(const TrainerProcess&) = delete;
  TrainerProcess& operator=(const TrainerProcess&) = delete;
  ~TrainerProcess() { close(out_); }

  // Nothing at the end of its output.
  std::string ReadLine() {
    std::string line;
    char c = 0;
    while (read(out_, &c, 1) == 1 && c != '\n')
      line += c;
    return line;
  }
  std::vector<std::string> ReadRest() {
    std::vector<std::string> lines;
    for (std::string line = ReadLine(); !line.empty(); line = ReadLine())
      lines.push_back(line);
    return lines;
  }
  void Stop() const { kill(pid_, SIGTERM); }
  int Wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

class TrainerMain : public testing::Test {
 protected:
  TrainerMain() { std::ofstream(Path("config.json")) << kConfig; }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_.Path() / name; }
  [[nodiscard]] std::string Error() const {
    std::ifstream stream(Path("error"));
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  int RunOnce(const std::vector<std::string>& words) const {
    TrainerProcess process(words, {}, Path("error"));
    (void)process.ReadRest();
    return process.Wait();
  }
  TrainerFolder folder_;
};

// What must be the same in two runs.
Json Comparable(const std::string& line) {
  Json json = ParseJson(line, "metric line");
  for (const char* key : {"samples_per_s", "gflops", "percent_of_limit"})
    json.erase(key);
  return json;
}

TEST_F(TrainerMain, TellsEveryEpochAndTheTest) {
  TrainerProcess process({Path("config.json")}, {}, Path("error"));
  const std::vector<std::string> lines = process.ReadRest();
  EXPECT_EQ(process.Wait(), 0) << Error();
  ASSERT_EQ(lines.size(), 13U);
  EXPECT_EQ(Comparable(lines[11]).at("step"), 12);
  EXPECT_GT(Comparable(lines[11]).at("val_accuracy"), 0.9);
  EXPECT_TRUE(Comparable(lines[12]).contains("test_accuracy"));
}

TEST_F(TrainerMain, ComparesWithALimitThatWasMeasured) {
  const std::map<std::string, std::string> variables{{"DDL_CACHE", Path("cache")}};
  const auto first_line = [&](const std::vector<std::string>& words) {
    TrainerProcess process(words, variables, Path("error"));
    const std::vector<std::string> lines = process.ReadRest();
    EXPECT_EQ(process.Wait(), 0) << Error();
    return lines.empty() ? Json() : ParseJson(lines.front(), "line");
  };
  EXPECT_FALSE(first_line({Path("config.json")}).contains("percent_of_limit"));
  const Json limits = first_line({"--probe"});
  EXPECT_THAT(limits.at("kept").get<std::string>(), testing::StartsWith(Path("cache/limits-")));
  const Json metrics = first_line({Path("config.json")});
  EXPECT_NEAR(
      metrics.at("percent_of_limit").get<double>(),
      100.0 * metrics.at("gflops").get<double>() / limits.at("float32_gflops").get<double>(), 0.1);
}

TEST_F(TrainerMain, SaysAtWhichStepItDiverged) {
  EXPECT_EQ(
      RunOnce({Path("config.json"), "--set", "optimizer.type=sgd", "--set", "optimizer.lr=1e35"}),
      1);
  const std::regex line("(^|\n)diverged at step [0-9]+: the loss is not finite, after 0 whole");
  EXPECT_TRUE(std::regex_search(Error(), line)) << Error();
}

TEST_F(TrainerMain, PreparesEachDataSetOnce) {
  std::ofstream(Path("t.csv")) << "1,0\n2,1\n";
  const Json csv{{"type", "csv"}, {"train", Path("t.csv")}};
  std::ofstream(Path("data.json")) << DumpJson(Json{"blobs", csv, csv});
  const std::map<std::string, std::string> variables{{"DDL_CACHE", Path("cache")}};
  TrainerProcess process({"--prepare", Path("data.json")}, variables, Path("error"));
  const std::vector<std::string> lines = process.ReadRest();
  EXPECT_EQ(process.Wait(), 0) << Error();
  ASSERT_EQ(lines.size(), 1U);
  const Json prepared = ParseJson(lines[0], "line");
  EXPECT_THAT(prepared.at("path").get<std::string>(), testing::StartsWith(Path("cache/data-")));
  EXPECT_THAT(prepared.at("name").get<std::string>(), testing::StartsWith("data-"));
}

TEST_F(TrainerMain, SaysWhichDataItCannotPrepare) {
  std::ofstream(Path("data.json")) << R"([{"type": "csv", "train": "nowhere.csv"}])";
  TrainerProcess process({"--prepare", Path("data.json")}, {}, Path("error"));
  EXPECT_THAT(process.ReadLine(), HasSubstr("no file nowhere.csv"));
  EXPECT_EQ(process.Wait(), 2);
}

TEST_F(TrainerMain, GoesOnAfterTermWithTheSameBits) {
  TrainerProcess whole({Path("config.json")}, {}, Path("error"));
  const std::vector<std::string> expected = whole.ReadRest();
  EXPECT_EQ(whole.Wait(), 0);

  const std::map<std::string, std::string> variables{{"DDL_CHECKPOINT_DIR", Path("checkpoints")}};
  std::vector<std::string> lines;
  int code = 75;
  for (int starts = 0; code == 75 && starts < 50; ++starts) {
    TrainerProcess part({Path("config.json")}, variables, Path("error"));
    const std::string first = part.ReadLine();
    if (!first.empty()) lines.push_back(first);
    part.Stop();
    for (const std::string& line : part.ReadRest())
      lines.push_back(line);
    code = part.Wait();
  }
  EXPECT_EQ(code, 0) << Error();
  ASSERT_EQ(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(Comparable(lines[i]), Comparable(expected[i])) << "line " << i;
}

TEST_F(TrainerMain, LeavesAfterTheEpochsThatItIsTold) {
  std::map<std::string, std::string> variables{{"DDL_CHECKPOINT_DIR", Path("checkpoints")},
                                               {"DDL_UNTIL", "1"}};
  TrainerProcess part({Path("config.json")}, variables, Path("error"));
  EXPECT_EQ(part.ReadRest().size(), 1U);
  EXPECT_EQ(part.Wait(), 0);
  EXPECT_THAT(Error(), HasSubstr("done with its part, 1 of "));
  variables["DDL_UNTIL"] = "soon";
  TrainerProcess wrong({Path("config.json")}, variables, Path("error"));
  EXPECT_EQ(wrong.ReadRest().size(), 0U);
  EXPECT_EQ(wrong.Wait(), 2);
}

TEST_F(TrainerMain, SaysThatItWasStoppedWhereNothingWasKept) {
  TrainerProcess process({Path("config.json"), "--set", "epochs=100000"}, {}, Path("error"));
  EXPECT_NE(process.ReadLine(), "");
  process.Stop();
  (void)process.ReadRest();
  EXPECT_EQ(process.Wait(), 143);
}

TEST_F(TrainerMain, TellsWrongInputByExitCodeAndText) {
  EXPECT_EQ(RunOnce({}), 2);
  EXPECT_THAT(Error(), HasSubstr("no configuration; usage: ddl-trainer CONFIG.json"));
  EXPECT_EQ(RunOnce({Path("config.json"), "--set", "optimizer.lrr=1"}), 2);
  EXPECT_THAT(Error(), HasSubstr("optimizer.lrr: unknown key; did you mean 'lr'?"));
  EXPECT_EQ(RunOnce({Path("config.json"), "--set", "batch_size=0"}), 2);
  EXPECT_THAT(Error(), HasSubstr("batch_size"));
  EXPECT_EQ(RunOnce({Path("config.json"), "--set", "data.type=bolbs"}), 2);
  EXPECT_THAT(Error(), HasSubstr("did you mean 'blobs'?"));
  EXPECT_EQ(RunOnce({Path("none.json")}), 3);
}

TEST_F(TrainerMain, EndsWithAFailureWhenTheLossDiverges) {
  EXPECT_EQ(
      RunOnce({Path("config.json"), "--set", "optimizer.type=sgd", "--set", "optimizer.lr=1e30"}),
      1);
  EXPECT_THAT(Error(), HasSubstr("make the learning rate smaller"));
}

TEST_F(TrainerMain, ExplainsItsPlanAndTrainsNothing) {
  TrainerProcess process({Path("config.json"), "--explain"}, {}, Path("error"));
  std::string text;
  for (const std::string& line : process.ReadRest())
    text += line + "\n";
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_THAT(text, HasSubstr("64 x 32"));
  EXPECT_THAT(text, HasSubstr("forward dense 1"));
}

}  // namespace trainer_main_test
}  // namespace ddl
