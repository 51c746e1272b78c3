// SPDX-License-Identifier: Apache-2.0
// Output that nobody reads any more, or for which there is no room.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace lost_reader_test {

// A pipe whose writing end a ddl gets as its standard output.
class OutPipe {
 public:
  OutPipe() {
    EXPECT_EQ(::pipe(ends_.data()), 0);
    ::fcntl(ends_[0], F_SETFD, FD_CLOEXEC);  // else the ddl would be a reader of its own
  }
  OutPipe(const OutPipe&) = delete;
  OutPipe& operator=(const OutPipe&) = delete;
  ~OutPipe() {
    Close(0);
    Close(1);
  }

  void Leave() { Close(0); }
  void KeepToRead() { Close(1); }
  [[nodiscard]] std::string Name() const { return fmt::format("&{}", ends_[1]); }
  [[nodiscard]] std::string Line() const {
    std::string line;
    for (char byte = 0; ::read(ends_[0], &byte, 1) == 1 && byte != '\n';)
      line += byte;
    return line;
  }

 private:
  void Close(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

class LostReader : public RealDdl {
 protected:
  void SetUp() override {
    RealDdl::SetUp();
    lost_.Leave();
    // More than what is kept back before it is written: a parameter of 10,000 letters.
    spec_ = Write("s.yaml", R"(
name: long
command: [sh, -c, 'echo "{\"loss\": 1}"']
method: grid
metric: {name: loss}
resources: {cpus: 0.1}
parameters: {text: {values: [)" +
                                std::string(10'000, 'x') + "]}}\n");
  }
  std::unique_ptr<RunningDdl> StartInto(const std::string& redirection,
                                        const std::vector<std::string>& words) {
    std::vector<std::string> line{"/bin/bash", "-c", "exec \"$0\" \"$@\" " + redirection,
                                  std::string(DDL_BINARY_DIR) + "/ddl"};
    line.insert(line.end(), words.begin(), words.end());
    return StartProgram(std::move(line));
  }
  Finished DdlInto(const std::string& redirection, const std::vector<std::string>& words) {
    return StartInto(redirection, words)->Wait();
  }

  OutPipe lost_;
  std::string spec_;
};

TEST_F(LostReader, EndsNoSweep) {
  for (const std::string& sink : {lost_.Name(), std::string("/dev/full")}) {
    const Finished done = DdlInto(">" + sink, {"sweep", spec_, "--json", "--new"});
    EXPECT_EQ(done.code, 0) << sink << done.error;
    EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("outcome"), "all_done") << sink;
  }
}

TEST_F(LostReader, IsNoErrorOfPlanAndValidate) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"plan", spec_},
                                                {"plan", spec_, "--json"},
                                                {"validate", spec_, "--json"}}) {
    const Finished done = DdlInto(">" + lost_.Name(), words);
    EXPECT_EQ(done.code, 0) << words.front() << done.error;
    const Finished full = DdlInto(">/dev/full", words);
    EXPECT_EQ(full.code, 3) << words.front();
    EXPECT_NE(full.error.find("cannot write to standard output"), std::string::npos) << full.error;
  }
}

TEST_F(LostReader, LeavesTheExitCodeOfAnErrorAsItIs) {
  EXPECT_EQ(DdlInto("2>/dev/full", {"validate", "missing.yaml"}).code, 2);
  EXPECT_EQ(DdlInto("2>/dev/full", {"validate", "missing.yaml", "--json"}).code, 2);
}

TEST_F(LostReader, EndsTheFollowingOfALog) {
  Write("wait.sh", "echo hello\necho up > ready\nread word < go\n");
  const Ear ready(MakePipe("ready"));
  (void)MakePipe("go");
  const auto sweep = Start({"run", "--", "sh", "wait.sh"});
  ASSERT_EQ(ready.Line(), "up");
  OutPipe out;
  const auto follower = StartInto(">" + out.Name(), {"logs", "-f", "1"});
  out.KeepToRead();
  EXPECT_EQ(out.Line(), "hello");
  out.Leave();
  EXPECT_EQ(follower->Wait().code, 0) << "while the trial says nothing, and goes on";
  EXPECT_EQ(DdlJson({"status"}).at("sweeps").at(0).at("state"), "running");
}

}  // namespace lost_reader_test
}  // namespace ddl
