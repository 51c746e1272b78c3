// SPDX-License-Identifier: Apache-2.0
#include "cli/provenance.h"

#include <array>
#include <fstream>

#include <unistd.h>

#include "configs/json.h"
#include "runner/command_output.h"

namespace ddl {

namespace {

constexpr std::size_t kMaxDiff = 1U << 20U;

std::string Git(const std::string& workdir, std::vector<std::string> arguments) {
  std::vector<std::string> argv{"git", "-C", workdir};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  const CommandOutput output = RunCommand(argv, std::chrono::seconds(2), 2 * kMaxDiff);
  std::string text = output.exit_code == 0 ? output.text : std::string();
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

Json OwnCommandLine() {
  std::ifstream stream("/proc/self/cmdline");
  Json words = Json::array();
  for (std::string word; std::getline(stream, word, '\0');) {
    words.push_back(word);
  }
  return words;
}

}  // namespace

std::string ProvenanceJson(const std::string& workdir) {
  Json provenance{{"ddl", "0.1.0"}, {"command_line", OwnCommandLine()}, {"workdir", workdir}};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) provenance["host"] = host.data();
  const std::string commit = Git(workdir, {"rev-parse", "HEAD"});
  if (!commit.empty()) {
    provenance["git_commit"] = commit;
    const std::string diff = Git(workdir, {"diff", "HEAD"});
    if (diff.size() <= kMaxDiff) {
      provenance["git_diff"] = diff;
    } else {
      provenance["git_diff_bytes_left_out"] = diff.size();
    }
  }
  return DumpJson(provenance);
}

}  // namespace ddl
