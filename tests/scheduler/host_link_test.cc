// SPDX-License-Identifier: Apache-2.0
#include "scheduler/host_link.h"

#include <gtest/gtest.h>

namespace ddl {
namespace host_link_test {

using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): seconds in tests

class NoLink final : public Link {
 public:
  void Send(ToHost) override {}
};

class HostLinkTest : public testing::Test {
 protected:
  int made_ = 0;
  HostLink host_{"box", Hello{}, [this](const Hello&) {
                   ++made_;
                   return std::make_unique<NoLink>();
                 }};

  void SetUp() override {
    host_.Keep(1s);
    host_.OnUp();
  }
};

TEST_F(HostLinkTest, IsMadeAnewTwentySecondsAfterItsSilenceWasTold) {
  host_.OnSilent(11s);
  host_.OnSilent(25s);  // told again: counted from the first
  host_.Keep(31s);
  EXPECT_EQ(made_, 1);
  EXPECT_TRUE(host_.IsUp());
  host_.Keep(32s);
  EXPECT_EQ(made_, 2);
  EXPECT_FALSE(host_.IsUp());
}

TEST_F(HostLinkTest, StaysWhenSomethingIsHeardAfterAll) {
  host_.OnSilent(11s);
  host_.OnHeard();
  host_.Keep(60s);
  EXPECT_EQ(made_, 1);
}

TEST_F(HostLinkTest, WaitsHalfAMinuteAtMostWhereTheUserHasToSeeToTheHost) {
  host_.OnDown(10s, true);
  host_.Keep(24s);
  EXPECT_EQ(made_, 1);
  host_.Keep(40s);
  EXPECT_EQ(made_, 2);
}

}  // namespace host_link_test
}  // namespace ddl
