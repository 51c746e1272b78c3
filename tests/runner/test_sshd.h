// SPDX-License-Identifier: Apache-2.0
// A real sshd on loopback with keys of its own, for one test. It never touches the machine's own
// sshd, its keys or its users; as root it runs in a mount namespace that has the folder and the
// user that sshd asks for. WhyNot() says why there is none here: then skip.
#pragma once

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/ssh_target.h"
#include "tests/runner/temporary_folder.h"

namespace ddl {

// Where it runs: here on loopback, or in a network namespace of the test.
struct SshdPlace {
  std::string name_space;
  std::string address = "127.0.0.1";
};

class TestSshd {
 public:
  // `options`: further lines of its configuration.
  explicit TestSshd(const std::string& options = {}, SshdPlace place = {})
      : options_(options), place_(std::move(place)) {
    program_ = FindProgram();
    if (program_.empty()) why_not_ = "no sshd here: ./run-tests fetches one";
    if (why_not_.empty()) MakeKey(Path("host_key"));
    if (why_not_.empty()) MakeKey(Path("user_key"));
    constexpr int kTries = 20;  // the port may be somebody else's
    for (int i = 0; why_not_.empty() && pid_ == 0 && i < kTries; ++i) {
      port_ = std::uniform_int_distribution<>(20'000, 60'000)(random_);
      Start();
    }
    if (why_not_.empty() && pid_ == 0) why_not_ = "sshd does not start: " + log_;
  }
  ~TestSshd() { Stop(); }
  TestSshd(const TestSshd&) = delete;
  TestSshd& operator=(const TestSshd&) = delete;
  TestSshd(TestSshd&&) = delete;
  TestSshd& operator=(TestSshd&&) = delete;

  [[nodiscard]] const std::string& WhyNot() const { return why_not_; }
  [[nodiscard]] int Port() const { return port_; }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ / name; }
  [[nodiscard]] std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(Path(name)).rdbuf();
    return text.str();
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }
  void MakeKey(const std::string& path, const std::string& type = "ed25519",
               const std::string& passphrase = {}) const {
    const std::string command =
        "ssh-keygen -q -t " + type + " -N '" + passphrase + "' -C test -f " + path;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
  // "ssh-ed25519 AAAA…"
  [[nodiscard]] std::string PublicKey(const std::string& name) const {
    const std::string text = Read(name + ".pub");
    return text.substr(0, text.find(' ', text.find(' ') + 1));
  }
  [[nodiscard]] std::string Place() const {
    return "[" + place_.address + "]:" + std::to_string(port_);
  }
  void Trust() const { Write("known_hosts", Place() + " " + PublicKey("host_key") + "\n"); }

  [[nodiscard]] std::string Section(const std::string& host,
                                    const std::string& global = "none") const {
    return "Host " + host + "\n  HostName " + place_.address + "\n  Port " + std::to_string(port_) +
           "\n  IdentityFile " + Path("user_key") +
           "\n  IdentityAgent none\n  UserKnownHostsFile " + Path("known_hosts") +
           "\n  GlobalKnownHostsFile " + global + "\n";
  }
  // A client configuration that reaches it as `test-host`.
  [[nodiscard]] SshHome Home(const std::string& more = {},
                             const std::string& global = "none") const {
    Write("config", Section("test-host", global) + more);
    SshHome home = FindSshHome();
    home.config_files = {Path("config")};
    return home;
  }

  void Stop() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    reader_.join();
  }
  // The end of a crash: of itself and of all that serves its connections.
  void Kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGSTOP);  // it takes nobody any more
    KillSessions(pid_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    reader_.join();
  }
  // Again where it was, after Stop or Kill.
  void StartAgain() {
    Start();
    EXPECT_NE(pid_, 0) << log_;
  }
  // From the next start on: further lines of its configuration, and (for root alone) the id of the
  // boot that programs there read.
  void SetOptions(const std::string& options) { options_ = options; }
  void SetBootId(const std::string& id) const { Write("boot_id", id + "\n"); }
  // Kills the processes that serve its connections.
  void Cut() const { EXPECT_GT(CutAny(), 0) << "nobody is connected"; }
  // The same, however many there are.
  int CutAny() const {
    const std::string pid = std::to_string(pid_);
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    int killed = 0;
    for (pid_t child = 0; children >> child; ++killed)
      ::kill(child, SIGKILL);
    return killed;
  }
  // What it has said so far; all of it after Stop.
  [[nodiscard]] const std::string& Log() const { return log_; }

 private:
  static std::string FindProgram() {
    for (const char* path : {"/usr/sbin/sshd", DDL_SOURCE_DIR "/build/sshd/usr/sbin/sshd"}) {
      if (::access(path, X_OK) == 0) return path;
    }
    return {};
  }

  static void KillSessions(pid_t parent) {
    const std::string pid = std::to_string(parent);
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    for (pid_t child = 0; children >> child;) {
      std::string name;
      std::ifstream("/proc/" + std::to_string(child) + "/comm") >> name;
      if (!name.starts_with("sshd")) continue;
      KillSessions(child);
      ::kill(child, SIGKILL);
    }
  }

  void Start() {
    std::filesystem::copy_file(Path("user_key.pub"), Path("authorized_keys"),
                               std::filesystem::copy_options::overwrite_existing);
    Write("sshd_config",
          "Port " + std::to_string(port_) + "\nListenAddress " + place_.address + "\nHostKey " +
              Path("host_key") + "\nAuthorizedKeysFile " + Path("authorized_keys") +
              "\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
              "KbdInteractiveAuthentication no\nLogLevel DEBUG1\n"
              "SetEnv DDL_HOST_DIR=" +
              Path("host") + " DDL_LEASE_DIR=" + Path("leases") + "\n" + options_);
    const std::string run = "exec " + program_ + " -D -e -f " + Path("sshd_config");
    const std::string passwd = Path("passwd");
    const std::string as_root =
        "mount -t tmpfs none /run && mkdir /run/sshd && cp /etc/passwd " + passwd +
        " && { getent passwd sshd >/dev/null || "
        "echo sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin >> " +
        passwd + "; } && mount --bind " + passwd + " /etc/passwd && " + OwnBootId() + run;
    const std::string there =
        place_.name_space.empty() ? "" : "/usr/sbin/ip netns exec " + place_.name_space + " ";
    Launch(::geteuid() == 0 ? "exec " + there + "unshare --mount /bin/sh -c '" + as_root + "'"
                            : run);
  }

  [[nodiscard]] std::string OwnBootId() const {
    if (!std::filesystem::exists(Path("boot_id"))) return {};
    return "mount --bind " + Path("boot_id") + " /proc/sys/kernel/random/boot_id && ";
  }

  void Launch(const std::string& script) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    std::string text = script;
    std::string shell = "/bin/sh";
    std::string option = "-c";
    const std::array<char*, 4> argv{shell.data(), option.data(), text.data(), nullptr};
    const std::string libraries =
        "LD_LIBRARY_PATH=" DDL_SOURCE_DIR "/build/sshd/usr/lib/x86_64-linux-gnu";
    std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string libraries_word = libraries;
    const std::array<char*, 3> environment{path.data(), libraries_word.data(), nullptr};
    pid_t pid = 0;
    ASSERT_EQ(::posix_spawn(&pid, "/bin/sh", &actions, nullptr, argv.data(), environment.data()),
              0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    log_.clear();
    while (log_.find("Server listening on") == std::string::npos) {
      if (ReadLog(ends[0])) continue;
      ::waitpid(pid, nullptr, 0);
      ::close(ends[0]);
      if (log_.find("in use") == std::string::npos) why_not_ = "sshd does not start: " + log_;
      return;
    }
    pid_ = pid;
    reader_ = std::thread([this, fd = ends[0]] {
      while (ReadLog(fd)) {
      }
      ::close(fd);
    });
  }

  bool ReadLog(int fd) {
    std::array<char, 4096> piece{};
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got > 0) log_.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  TemporaryFolder folder_;
  std::string options_;
  SshdPlace place_;
  std::string program_;
  std::string why_not_;
  std::random_device random_;
  int port_ = 0;
  pid_t pid_ = 0;
  std::string log_;
  std::thread reader_;
};

}  // namespace ddl
