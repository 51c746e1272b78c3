// SPDX-License-Identifier: Apache-2.0
// While a sweep runs on hosts: who listens there, and who may read what ddl has written.
#include <sys/stat.h>

#include "tests/faults/host_ledger.h"

namespace ddl {
namespace host_privacy_test {

namespace fs = std::filesystem;

class HostPrivacy : public HostLedger {
 protected:
  // Local addresses that take packets from anybody: sockets that listen (TCP) or have no peer.
  static std::vector<std::string> Listening(pid_t there, const std::string& table) {
    const bool is_tcp = table.starts_with("tcp");
    const std::string wanted_state = is_tcp ? "0A" : "07";
    std::vector<std::string> found;
    std::ifstream lines(fmt::format("/proc/{}/net/{}", there, table));
    EXPECT_TRUE(lines.good()) << table;
    std::string line;
    std::getline(lines, line);  // headings
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string number;
      std::string local;
      std::string remote;
      std::string state;
      words >> number >> local >> remote >> state;
      if (state == wanted_state) found.push_back(table + " " + local);
    }
    return found;
  }

  // The folder itself is closed to others, and so is all within; but what keeps modes of the user's
  // own (code: trials read it as they would where it came from) or of SQLite, which are out of
  // reach behind it.
  static void ExpectClosed(const std::string& top) {
    const auto mode_of = [](const fs::path& path) {
      struct stat status{};
      const bool is_there = ::lstat(path.c_str(), &status) == 0 && !S_ISLNK(status.st_mode);
      return is_there ? status.st_mode & 07777U : 0U;
    };
    EXPECT_EQ(mode_of(top), 0700U) << top;
    std::error_code gone;  // trials come and go meanwhile
    int seen = 0;
    for (fs::recursive_directory_iterator at(top, gone), end; at != end; at.increment(gone)) {
      const std::string path = at->path();
      ++seen;
      if (path.find("/code/") != std::string::npos && path.find("/tree/") != std::string::npos)
        continue;
      if (path.starts_with(top + "/ddl.db") || path.starts_with(top + "/backup")) continue;
      EXPECT_EQ(mode_of(path) & 077U, 0U) << path;
    }
    EXPECT_GT(seen, 0) << top;
  }
};

TEST_F(HostPrivacy, OnlySshdListensAndNobodyElseMayRead) {
  ::umask(022);  // as most users have it
  const HostSweep wanted{.trials = 16, .is_held = true, .cpus = 0.5};
  const auto sweep = Begin(wanted);
  Await(fmt::format("cause IS NULL AND {} >= 3", kRows), wanted.trials);
  for (int host = 1; host <= kHosts; ++host) {
    const std::vector<pid_t> there = network_.Strays(host);
    ASSERT_FALSE(there.empty());
    std::vector<std::string> listening;
    for (const char* table : {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}) {
      for (const std::string& socket : Listening(there.front(), table))
        listening.push_back(socket);
    }
    ASSERT_EQ(listening.size(), 1U) << fmt::format("{}", fmt::join(listening, ", "));
    EXPECT_TRUE(listening.front().ends_with(fmt::format(":{:04X}", network_.Sshd(host).Port())))
        << listening.front();
    ExpectClosed(network_.Sshd(host).Path("host"));
  }
  ExpectClosed(folder_ + "/store");
  ExpectClosed(folder_ + "/host");
  LetGo();
  EXPECT_EQ(sweep->Wait().code, 0);
  AddToFaultTable("who listens, who may read", "/proc/net and modes while a sweep runs",
                  Count(wanted));
}

}  // namespace host_privacy_test
}  // namespace ddl
