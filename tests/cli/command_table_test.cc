// SPDX-License-Identifier: Apache-2.0
// The table that completion scripts are made of, held against what the parser takes.
#include "cli/command_table.h"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace command_table_test {

using CommandTable = RealDdl;

TEST_F(CommandTable, NamesTheOptionsThatTheParserTakes) {
  for (const CommandWords& command : AllCommands()) {
    const std::string help = Ddl({std::string(command.name), "--help"}).out;
    std::set<std::string> taken;
    const std::regex option(R"((?:^|[ ,])(--?[a-z][a-z-]*))");
    for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
      taken.insert((*at)[1]);
    const bool has_common = taken.contains("--store");
    for (const OptionWords& words : command.options)
      EXPECT_TRUE(taken.contains(std::string(words.name))) << command.name << " " << words.name;
    std::size_t own = 0;
    for (const std::string& name : taken)
      own += name.starts_with("--") ? 1 : 0;
    // --help for all, --store and --json where a store is looked at; -j and -f have long names too.
    EXPECT_EQ(own, command.options.size() + (has_common ? 3 : 1)) << command.name << "\n" << help;
  }
}

TEST_F(CommandTable, HelpOfEveryCommandFitsAScreen) {
  std::vector<std::vector<std::string>> calls{{"--help"}};
  for (const CommandWords& command : AllCommands())
    calls.push_back({std::string(command.name), "--help"});
  for (const std::vector<std::string>& call : calls) {
    const std::string help = Ddl(call).out;
    EXPECT_FALSE(help.empty()) << call.front();
    EXPECT_LE(std::ranges::count(help, '\n'), 40) << call.front();
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(line.size(), 80U) << call.front() << ": " << line;
  }
}

}  // namespace command_table_test
}  // namespace ddl
