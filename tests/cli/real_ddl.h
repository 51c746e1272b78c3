// SPDX-License-Identifier: Apache-2.0
// The real binary from outside, in a folder of its own: store, host folder and leases included.
// Everything a test started through it is ended with it.
#pragma once

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "configs/json.h"

namespace ddl {

struct Finished {
  int code = -1;
  std::string out;
  std::string error;
};

inline std::string ReadText(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A ddl that runs on. Killed at the end of its life if it still does.
class RunningDdl {
 public:
  RunningDdl(pid_t pid, std::string out, std::string error)
      : pid_(pid), out_(std::move(out)), error_(std::move(error)) {}
  RunningDdl(const RunningDdl&) = delete;
  RunningDdl& operator=(const RunningDdl&) = delete;
  ~RunningDdl() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void Signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] pid_t Pid() const { return pid_; }
  [[nodiscard]] std::string Out() const { return ReadText(out_); }
  [[nodiscard]] std::string ErrorOut() const { return ReadText(error_); }

  Finished Wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return {code, ReadText(out_), ReadText(error_)};
  }

 private:
  pid_t pid_;
  std::string out_;
  std::string error_;
};

// What trials write to a FIFO, line by line. Open for both directions from the start: a line that
// is written while a reader comes or goes would be lost, or waited for in vain.
class Ear {
 public:
  explicit Ear(const std::string& fifo) : descriptor_(::open(fifo.c_str(), O_RDWR | O_CLOEXEC)) {}
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;
  ~Ear() { ::close(descriptor_); }

  std::string Line() const {
    std::string line;
    for (char byte = 0; ::read(descriptor_, &byte, 1) == 1 && byte != '\n';)
      line += byte;
    return line;
  }

 private:
  int descriptor_;
};

class RealDdl : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "ddl-real-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::setenv("DDL_HOME", (folder_ + "/store").c_str(), 1);
    ::setenv("DDL_HOST_DIR", (folder_ + "/host").c_str(), 1);
    ::setenv("DDL_LEASE_DIR", (folder_ + "/leases").c_str(), 1);
    ::setenv("DDL_CACHE", (folder_ + "/cache").c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (folder_ + "/config").c_str(), 1);
    ::unsetenv("NO_COLOR");
  }
  void TearDown() override {
    if (std::filesystem::exists(folder_ + "/store")) (void)Ddl({"stop"});
    std::filesystem::remove_all(folder_);
  }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }

  // Blocks until the trial's script opens the pipe for writing; used instead of waiting in time.
  std::string MakePipe(const std::string& name) const {
    const std::string path = folder_ + "/" + name;
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    return path;
  }

  std::unique_ptr<RunningDdl> Start(const std::vector<std::string>& words) {
    std::vector<std::string> line{std::string(DDL_BINARY_DIR) + "/ddl"};
    line.insert(line.end(), words.begin(), words.end());
    return StartProgram(std::move(line));
  }

  std::unique_ptr<RunningDdl> StartProgram(std::vector<std::string> line) {
    const std::string stem = folder_ + "/output-" + std::to_string(++started_);
    const pid_t pid = ::fork();
    if (pid == 0) Become(line, stem);
    return std::make_unique<RunningDdl>(pid, stem + ".out", stem + ".err");
  }

  Finished Ddl(const std::vector<std::string>& words) { return Start(words)->Wait(); }

  Json DdlJson(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Finished done = Ddl(words);
    return ParseJson(done.out, "output of ddl");
  }

  std::string folder_;

 private:
  [[noreturn]] void Become(std::vector<std::string>& line, const std::string& stem) const {
    const int nothing = ::open("/dev/null", O_RDONLY);
    const int out = ::open((stem + ".out").c_str(), O_WRONLY | O_CREAT, 0600);
    const int error = ::open((stem + ".err").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(nothing, 0);
    ::dup2(out, 1);
    ::dup2(error, 2);
    if (::chdir(folder_.c_str()) != 0) ::_exit(126);
    std::vector<char*> argv;
    for (std::string& word : line)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  int started_ = 0;
};

}  // namespace ddl
