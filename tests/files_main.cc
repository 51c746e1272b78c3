// SPDX-License-Identifier: Apache-2.0
// Runs the tests of one source file: `cli_tests --file status_test`. The tests of a folder are one
// executable, as common headers and templates then compile once; CTest still sees a test a file.
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

// A filter of all tests that NAME.cc defines; empty where there are none.
std::string TestsOf(std::string_view name) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  std::string filter;
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const testing::TestInfo& test = *suite.GetTestInfo(j);
      if (std::filesystem::path(test.file()).stem() == name)
        filter += (filter.empty() ? "" : ":") + std::string(suite.name()) + "." + test.name();
    }
  }
  return filter;
}

}  // namespace

int main(int count, char** words) {
  testing::InitGoogleMock(&count, words);
  if (count == 1) return RUN_ALL_TESTS();
  const std::string filter =
      count == 3 && std::string_view(words[1]) == "--file" ? TestsOf(words[2]) : std::string();
  if (filter.empty()) {
    std::cerr << "no such tests; usage: " << words[0]
              << " [--file NAME] [--gtest_…], NAME of NAME.cc\n";
    return 2;
  }
  GTEST_FLAG_SET(filter, filter);
  return RUN_ALL_TESTS();
}
