// SPDX-License-Identifier: Apache-2.0
// The table that completion scripts are made of, held against what the parser takes.
#include "cli/command_table.h"

#include <regex>
#include <set>
#include <string>

#include "tests/cli/real_ddl.h"

namespace ddl {
namespace {

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

}  // namespace
}  // namespace ddl
