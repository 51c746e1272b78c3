// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "cli/command_table.h"
#include "cli/output.h"
#include "configs/error.h"

namespace ddl {
namespace completion_test {

// A folder with the bash script and a `ddl` that knows two sweeps.
class Bash : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = "/tmp/ddl-completion-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    WriteFileWhole(folder_ + "/script", CompletionScript("bash"));
    Knows("fashion-mlp' 'smoke");
    WriteFileWhole(folder_ + "/spec.yaml", "");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The names of sweeps, with "' '" between them.
  void Knows(const std::string& names) const {
    WriteFileWhole(
        folder_ + "/ddl",
        "#!/bin/sh\n[ \"$*\" = \"status --names\" ] && printf '%s\\n' '" + names + "'\n");
    std::filesystem::permissions(folder_ + "/ddl", std::filesystem::perms::owner_all);
  }

  // What bash offers for the last of the words of a command line.
  [[nodiscard]] std::string Offered(const std::string& words) const {
    const std::string program =
        "cd " + folder_ + "; source ./script; COMP_WORDS=(./ddl " + words +
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ddl; echo ${COMPREPLY[*]}";
    FILE* pipe = popen(("bash -uc '" + program + "' 2>&1").c_str(), "r");
    std::string text;
    std::array<char, 4096> buffer{};
    while (pipe != nullptr && fgets(buffer.data(), buffer.size(), pipe) != nullptr)
      text += buffer.data();
    if (pipe != nullptr) pclose(pipe);
    if (!text.empty()) text.pop_back();
    return text;
  }

  std::string folder_;
};

TEST_F(Bash, CompletesCommands) {
  EXPECT_EQ(Offered("re"), "report resume retry");
  EXPECT_EQ(Offered("sw"), "sweep");
}

TEST_F(Bash, CompletesOptionsOfACommand) {
  EXPECT_EQ(Offered("report --j"), "--junit --json");
  EXPECT_EQ(Offered("logs --f"), "--follow");
}

TEST_F(Bash, CompletesNamesOfSweeps) {
  EXPECT_EQ(Offered("report f"), "fashion-mlp");
  EXPECT_EQ(Offered("explain \"\""), "fashion-mlp smoke");
}

TEST_F(Bash, ExpandsNothingOfANameOfASweep) {
  Knows("$(touch pwned)' 'my sweep' '`touch pwned`' '*");
  EXPECT_EQ(Offered("report \"\""), R"(\$\(touch\ pwned\) my\ sweep \`touch\ pwned\` \*)");
  EXPECT_EQ(Offered("logs my"), R"(my\ sweep)");
  EXPECT_EQ(Offered(R"(logs "my\\ s")"), R"(my\ sweep)");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/pwned"));
}

TEST_F(Bash, CompletesFilesWhereTheyAreTaken) {
  EXPECT_EQ(Offered("sweep sp"), "spec.yaml");
  EXPECT_EQ(Offered("report --junit sp"), "spec.yaml");
  EXPECT_EQ(Offered("report --top 1"), "");
}

TEST_F(Bash, CompletesShells) {
  EXPECT_EQ(Offered("completion z"), "zsh");
}

TEST(Completion, ScriptsNameEveryCommandAndOption) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(shell);
    for (const CommandWords& command : AllCommands()) {
      EXPECT_NE(script.find(command.name), std::string::npos) << shell << " " << command.name;
      for (const OptionWords& option : command.options) {
        const std::size_t dashes = option.name.find_first_not_of('-');
        EXPECT_NE(script.find(option.name.substr(dashes)), std::string::npos) << option.name;
      }
    }
  }
}

TEST(Completion, TableHoldsNothingThatBreaksAScript) {
  std::set<std::string_view> names;
  for (const CommandWords& command : AllCommands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_EQ(command.help.find_first_of("'\"[]:$`"), std::string::npos) << command.help;
    for (const OptionWords& option : command.options)
      EXPECT_EQ(option.help.find_first_of("'\"[]:$`"), std::string::npos) << option.help;
  }
}

TEST(Completion, RefusesAnotherShell) {
  try {
    (void)CompletionScript("powershell");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "no completion for the shell \"powershell\"; there is one for bash, zsh and fish");
  }
}

}  // namespace completion_test
}  // namespace ddl
