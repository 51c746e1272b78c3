// SPDX-License-Identifier: Apache-2.0
#include "configs/error_json.h"

#include <gtest/gtest.h>

namespace ddl {
namespace error_json_test {

TEST(ErrorJson, KeepsEveryPart) {
  for (const ErrorKind kind : {ErrorKind::kUsage, ErrorKind::kInfrastructure}) {
    const Error error("what is wrong", "where", "what to do", kind);
    const Error again = ErrorFromJson(ParseJson(DumpJson(ErrorToJson(error)), "test"));
    EXPECT_STREQ(again.what(), error.what());
    EXPECT_EQ(again.Message(), "what is wrong");
    EXPECT_EQ(again.Where(), "where");
    EXPECT_EQ(again.Hint(), "what to do");
    EXPECT_EQ(again.Kind(), kind);
  }
}

TEST(ErrorJson, TakesWhatIsThere) {
  const Error error = ErrorFromJson({{"what", "x"}, {"hint", 7}});
  EXPECT_STREQ(error.what(), "x");
  EXPECT_EQ(error.Kind(), ErrorKind::kUsage);
}

}  // namespace error_json_test
}  // namespace ddl
