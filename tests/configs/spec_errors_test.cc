// SPDX-License-Identifier: Apache-2.0
// Wrong specs under tests/specs/wrong: NAME.yaml and, in NAME.txt, what is to be said about it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.h"
#include "configs/spec_reader.h"

namespace ddl {
namespace spec_errors_test {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string ReadText(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::string Refusal(const std::string& text, const std::string& name = "spec.yaml",
                    const std::vector<std::string>& overrides = {}) {
  try {
    (void)ReadSpec(text, {name, DDL_SOURCE_DIR, overrides});
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.Kind(), ErrorKind::kUsage);
    return error.what();
  }
}

std::vector<fs::path> WrongSpecs() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(DDL_SOURCE_DIR) / "tests/specs/wrong")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

TEST(WrongSpecs, AreRefusedWithPlaceAndRemedy) {
  const std::vector<fs::path> paths = WrongSpecs();
  EXPECT_GE(paths.size(), 100U);
  for (const fs::path& path : paths) {
    fs::path expected = path;
    expected.replace_extension(".txt");
    std::string text = ReadText(expected);
    while (text.ends_with('\n'))
      text.pop_back();
    EXPECT_EQ(Refusal(ReadText(path), path.filename()), text) << path;
  }
}

constexpr const char* kGood =
    "command: [/bin/true]\nmethod: grid\nparameters: {x: {values: [1, 2]}}\n";

TEST(WrongOverrides, AreShownAsTheyWereTyped) {
  EXPECT_EQ(Refusal(kGood, "s.yaml", {"run_cpa=3"}),
            "command line: run_cpa=3: no key or parameter \"run_cpa\"; did you mean run_cap?");
  EXPECT_EQ(Refusal(kGood, "s.yaml", {"run_cap=x"}),
            "command line: run_cap=x: run_cap must be a whole number, at least 1; write 1 or more");
  EXPECT_EQ(Refusal(kGood, "s.yaml", {"run_cap"}),
            "command line: run_cap: not an override; write KEY=VALUE");
}

TEST(HostileSpecs, AliasBombsAreRefusedBeforeTheyGrow) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'k'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i)
      bomb += std::string("*") + static_cast<char>(c - 1) + (i < 8 ? ", " : "");
    bomb += "]\n";
  }
  EXPECT_THAT(Refusal(bomb), HasSubstr("more than 25000 values, aliases expanded"));
}

TEST(HostileSpecs, DepthAndSizeAreBounded) {
  EXPECT_THAT(Refusal("a: " + std::string(10'000, '[')), HasSubstr("nested deeper than 32"));
  EXPECT_THAT(Refusal(std::string(10'000, '{')), HasSubstr("nested deeper than 32"));
  EXPECT_THAT(Refusal(std::string(std::size_t{10} << 20U, 'a')), HasSubstr("larger than"));
}

}  // namespace spec_errors_test
}  // namespace ddl
