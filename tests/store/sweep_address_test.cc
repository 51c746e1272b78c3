// SPDX-License-Identifier: Apache-2.0
#include "store/sweep_address.h"

#include <gtest/gtest.h>

namespace ddl {
namespace sweep_address_test {

TEST(SweepAddress, IsANameAndANumber) {
  const SweepAddress address{.name = "a@b", .id = {17}};
  EXPECT_EQ(ToString(address), "a@b@17");
  EXPECT_EQ(ParseSweepAddress("a@b@17"), address);
}

TEST(SweepAddress, IsNothingElse) {
  for (const char* text :
       {"", "a", "a@", "@3", "a@x", "a@3x", "a@-3", "a@0", "a@ 3", "a@99999999999999999999"}) {
    EXPECT_FALSE(ParseSweepAddress(text)) << text;
  }
}

}  // namespace sweep_address_test
}  // namespace ddl
