// SPDX-License-Identifier: Apache-2.0
#include "cli/report_error.h"

#include <cerrno>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ddl {
namespace report_error_test {

TEST(ReportError, SaysWhatTheHostRefusesAndWhere) {
  const Error file = AsError(std::filesystem::filesystem_error(
      "cannot remove", "/store/backup", std::make_error_code(std::errc::io_error)));
  EXPECT_THAT(file.Message(), testing::EndsWith("Input/output error"));
  EXPECT_EQ(file.Where(), "/store/backup");
  EXPECT_THAT(file.Hint(), testing::HasSubstr("give the command again"));
  EXPECT_EQ(file.Kind(), ErrorKind::kInfrastructure);
  const Error thread = AsError(std::system_error(EAGAIN, std::generic_category(), "a thread"));
  EXPECT_THAT(thread.Where(), testing::StartsWith("a thread"));
}

}  // namespace report_error_test
}  // namespace ddl
