// SPDX-License-Identifier: Apache-2.0
// The README shows the samples as they are and names only files that exist.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include <gtest/gtest.h>

namespace ddl {
namespace readme_test {

std::string ReadText(const std::string& name) {
  std::ifstream stream(std::string(DDL_SOURCE_DIR) + "/" + name);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

TEST(Readme, ShowsTheSampleScriptAsItIs) {
  const std::string text = ReadText("README.md");
  EXPECT_NE(text.find(ReadText("configs/own_script.py")), std::string::npos);
  const std::string yaml = ReadText("configs/own_script.yaml");
  EXPECT_NE(text.find(yaml.substr(yaml.find('\n') + 1)), std::string::npos);
}

TEST(Readme, LinksToFilesThatExist) {
  for (const char* name : {"README.md", "configs/README.md", "cli/README.md"}) {
    const std::string text = ReadText(name);
    const std::regex link(R"(\]\(([^)#:]+)\))");
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
      const auto path = std::filesystem::path(DDL_SOURCE_DIR) /
                        std::filesystem::path(name).parent_path() / (*at)[1].str();
      EXPECT_TRUE(std::filesystem::exists(path)) << name << " links to " << (*at)[1];
    }
  }
}

}  // namespace readme_test
}  // namespace ddl
