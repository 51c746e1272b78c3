// SPDX-License-Identifier: Apache-2.0
#include "cli/trial_name.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/error.h"

namespace ddl {
namespace trial_name_test {

TEST(TrialName, IsANumberOrASweepAndANumber) {
  EXPECT_EQ(ParseTrialName("17").number, 17);
  EXPECT_EQ(ParseTrialName("17").sweep, "");
  EXPECT_EQ(ParseTrialName("fashion-mlp/17").sweep, "fashion-mlp");
  EXPECT_EQ(ParseTrialName("group/mlp/3").sweep, "group/mlp");
}

TEST(TrialName, IsRefusedOtherwise) {
  for (const char* text :
       {"", "0", "-1", "mlp", "mlp/", "mlp/x", "/3", "3.5", "1e3", "99999999999999999999"})
    EXPECT_THROW((void)ParseTrialName(text), Error) << text;
}

TEST(TrialName, ErrorSaysWhatToGive) {
  try {
    (void)ParseTrialName("fashion\n-mlp");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "\"fashion -mlp\" names no trial; give its number (17) or the sweep and the "
                 "number (fashion-mlp/17)");
  }
}

TEST(TargetName, IsASweepOrATrial) {
  EXPECT_EQ(ParseTargetName("mlp").sweep, "mlp");
  EXPECT_FALSE(ParseTargetName("mlp").number.has_value());
  EXPECT_EQ(ParseTargetName("17").number, 17);
  EXPECT_EQ(ParseTargetName("mlp/17").number, 17);
  EXPECT_EQ(ParseTargetName("mlp/17").sweep, "mlp");
  EXPECT_EQ(ParseTargetName("17/").sweep, "17");
  EXPECT_FALSE(ParseTargetName("17/").number.has_value());
  EXPECT_EQ(ParseTargetName("").sweep, "");
  EXPECT_THROW((void)ParseTargetName("mlp/x"), Error);
}

TEST(NearestName, IsOneThatAUserCouldHaveMeant) {
  const std::vector<std::string> known{"fashion-mlp", "mnist", "smoke"};
  EXPECT_EQ(NearestName("fasion-mlp", known), "fashion-mlp");
  EXPECT_EQ(NearestName("fashion_mpl", known), "fashion-mlp");
  EXPECT_EQ(NearestName("mnits", known), "mnist");
  EXPECT_EQ(NearestName("transformer", known), "");
  EXPECT_EQ(NearestName("x", std::vector<std::string>{"ab"}), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

}  // namespace trial_name_test
}  // namespace ddl
