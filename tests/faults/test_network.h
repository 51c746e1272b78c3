// SPDX-License-Identifier: Apache-2.0
// Hosts of a test in network namespaces of its own: a switch, a place for the coordinator, and a
// namespace with an sshd a host, on one net that nothing else is on. WhyNot() says why there is
// none here: then skip. All of it goes with the object.
//
// Links can be made bad while they are in use: whole or one way cut, narrow (tc tbf), or long and
// losing packets (bad_link, since few kernels have netem).
#pragma once

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/runner/test_sshd.h"

namespace ddl {

class TestNetwork {
 public:
  explicit TestNetwork(int hosts) : name_("ddl" + std::to_string(::getpid())) {
    if (::geteuid() != 0) why_not_ = "only root may make network namespaces";
    if (why_not_.empty() && !Build(hosts)) why_not_ = "no network namespaces here";
    for (int host = 1; why_not_.empty() && host <= hosts; ++host) {
      sshds_.emplace_back("", SshdPlace{Space(host), Address(host)});
      why_not_ = sshds_.back().WhyNot();
    }
    for (int host = 1; why_not_.empty() && host <= hosts; ++host)
      Sshd(host).Trust();
  }
  ~TestNetwork() {
    for (int host = 1; host <= static_cast<int>(sshds_.size()); ++host)
      KillAll(host);
    sshds_.clear();
    for (const pid_t cable : cables_) {
      ::kill(cable, SIGKILL);
      ::waitpid(cable, nullptr, 0);
    }
    for (const std::string& space : made_)
      (void)Ip("netns del " + space);
  }
  TestNetwork(const TestNetwork&) = delete;
  TestNetwork& operator=(const TestNetwork&) = delete;

  [[nodiscard]] const std::string& WhyNot() const { return why_not_; }
  [[nodiscard]] TestSshd& Sshd(int host) { return sshds_.at(static_cast<std::size_t>(host - 1)); }
  // What runs a program where the coordinator is.
  [[nodiscard]] std::vector<std::string> Prefix() const {
    return {"/usr/sbin/ip", "netns", "exec", Space(0)};
  }
  // A configuration of ssh that knows the hosts as h1, h2, …
  [[nodiscard]] std::string SshConfig() const {
    std::string text;
    for (std::size_t i = 0; i < sshds_.size(); ++i)
      text += sshds_[i].Section("h" + std::to_string(i + 1));
    return text;
  }

  // What runs on a host beside its sshd: agents, supervisors, trials.
  [[nodiscard]] std::vector<pid_t> Strays(int host) const {
    std::vector<pid_t> strays;
    for (const pid_t pid : Processes(host)) {
      std::string name;
      std::ifstream("/proc/" + std::to_string(pid) + "/comm") >> name;
      if (!name.empty() && !name.starts_with("sshd")) strays.push_back(pid);
    }
    return strays;
  }
  // The one that serves a coordinator there: of ddl's processes the one whose parent is sshd's.
  [[nodiscard]] pid_t Agent(int host) const {
    for (const pid_t pid : Strays(host)) {
      const std::string folder = "/proc/" + std::to_string(pid);
      std::string name;
      std::ifstream(folder + "/comm") >> name;
      pid_t parent = 0;
      std::string word;
      for (std::ifstream status(folder + "/status"); status >> word && parent == 0;) {
        if (word == "PPid:") status >> parent;
      }
      std::string above;
      std::ifstream("/proc/" + std::to_string(parent) + "/comm") >> above;
      if (name.starts_with("ddl-agent") && above.starts_with("sshd")) return pid;
    }
    return 0;
  }
  // All at once, as when the power fails.
  void KillAll(int host) {
    for (std::vector<pid_t> found; found = Processes(host), !found.empty();) {
      for (const pid_t pid : found)
        ::kill(pid, SIGKILL);
      Sshd(host).Kill();
    }
  }
  void Reboot(int host, const std::string& boot_id) {
    KillAll(host);
    Sshd(host).SetBootId(boot_id);
    Sshd(host).StartAgain();
  }

  // Nothing gets through, and nobody is told.
  void Cut(int host) const { EXPECT_TRUE(Ip(Port(host) + " down")); }
  void Heal(int host) const { EXPECT_TRUE(Ip(Port(host) + " up")); }
  // What the host sends goes astray; what is sent to it arrives.
  void Mute(int host) const {
    EXPECT_TRUE(Ip("-n " + Space(host) + " neigh replace " + Address(0) +
                   " lladdr 02:00:00:00:00:99 dev eth0 nud permanent"));
  }
  void Unmute(int host) const {
    EXPECT_TRUE(Ip("-n " + Space(host) + " neigh del " + Address(0) + " dev eth0"));
  }
  // Both ways; 64kbit. False: the kernel cannot.
  [[nodiscard]] bool Narrow(int host, const std::string& rate) const {
    const std::string limit = " root tbf rate " + rate + " burst 4k latency 1000ms 2>/dev/null";
    const std::string there = "/usr/sbin/tc -n " + Space(host) + " qdisc add dev eth0" + limit;
    const std::string here =
        "/usr/sbin/tc -n " + Switch() + " qdisc add dev v" + std::to_string(host) + limit;
    return std::system(there.c_str()) == 0 && std::system(here.c_str()) == 0;
  }
  // From now on the host is at the end of a long line: see bad_link.
  void Lengthen(int host, int delay_ms, int jitter_ms, int loss_percent) {
    const std::string number = std::to_string(host);
    const std::string in_switch = "-n " + Switch() + " link ";
    // Packets as the wire would see them: none that is cut up later.
    ASSERT_TRUE(Ip("-n " + Space(host) + " link set eth0 gso_max_segs 1") &&
                Ip("-n " + Space(0) + " link set eth0 gso_max_segs 1") &&
                Ip(in_switch + "add r" + number + " type veth peer name p" + number) &&
                Ip(in_switch + "set r" + number + " up") &&
                Ip(in_switch + "set p" + number + " master br0 up"));
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const std::string words = "exec /usr/sbin/ip netns exec " + Switch() +
                              " " DDL_BINARY_DIR "/tests/bad_link v" + number + " r" + number +
                              " " + std::to_string(delay_ms) + " " + std::to_string(jitter_ms) +
                              " " + std::to_string(loss_percent);
    cables_.push_back(::fork());
    if (cables_.back() == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::execl("/bin/sh", "sh", "-c", words.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    std::array<char, 6> ready{};
    EXPECT_EQ(::read(ends[0], ready.data(), ready.size()), 6) << words;
    ::close(ends[0]);
    EXPECT_TRUE(Ip(Port(host) + " nomaster"));
  }
  // As it was before. What is under way is lost.
  void Shorten(int host) const {
    EXPECT_TRUE(Ip("-n " + Switch() + " link del r" + std::to_string(host)));
    EXPECT_TRUE(Ip(Port(host) + " master br0"));
  }

 private:
  static bool Ip(const std::string& words) {
    return std::system(("/usr/sbin/ip " + words + " 2>/dev/null").c_str()) == 0;
  }
  [[nodiscard]] std::vector<pid_t> Processes(int host) const {
    std::vector<pid_t> found;
    const std::string command = "/usr/sbin/ip netns pids " + Space(host);
    std::FILE* list = ::popen(command.c_str(), "re");
    for (int pid = 0; list != nullptr && std::fscanf(list, "%d", &pid) == 1;)
      found.push_back(pid);
    if (list != nullptr) ::pclose(list);
    return found;
  }
  [[nodiscard]] std::string Space(int host) const { return name_ + "n" + std::to_string(host); }
  [[nodiscard]] std::string Switch() const { return name_ + "s"; }
  static std::string Address(int host) { return "10.77.0." + std::to_string(host + 1); }
  [[nodiscard]] std::string Port(int host) const {
    return "-n " + Switch() + " link set v" + std::to_string(host);
  }

  bool AddSpace(const std::string& space) {
    if (!Ip("netns add " + space)) return false;
    made_.push_back(space);
    return Ip("-n " + space + " link set lo up");
  }

  bool Build(int hosts) {
    bool is_built = AddSpace(Switch()) && Ip("-n " + Switch() + " link add br0 type bridge") &&
                    Ip("-n " + Switch() + " link set br0 up");
    for (int host = 0; is_built && host <= hosts; ++host) {
      is_built = AddSpace(Space(host)) &&
                 Ip("link add v" + std::to_string(host) + " netns " + Switch() +
                    " type veth peer name eth0 netns " + Space(host)) &&
                 Ip(Port(host) + " master br0 up") &&
                 Ip("-n " + Space(host) + " addr add " + Address(host) + "/24 dev eth0") &&
                 Ip("-n " + Space(host) + " link set eth0 up");
    }
    return is_built;
  }

  std::string name_;
  std::string why_not_;
  std::vector<std::string> made_;
  std::vector<pid_t> cables_;
  std::deque<TestSshd> sshds_;
};

}  // namespace ddl
