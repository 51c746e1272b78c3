// SPDX-License-Identifier: Apache-2.0
#include "configs/ssh_address.h"

#include <gtest/gtest.h>

namespace ddl {
namespace ssh_address_test {

std::string WhyNot(const std::string& text) {
  const auto parsed = ParseSshAddress(text);
  const auto* bad = std::get_if<BadAddress>(&parsed);
  return bad == nullptr ? "" : bad->why;
}

TEST(SshAddress, ReadsUserHostAndPort) {
  EXPECT_EQ(std::get<SshAddress>(ParseSshAddress("ssh://gpu1")),
            (SshAddress{std::nullopt, "gpu1", std::nullopt}));
  EXPECT_EQ(std::get<SshAddress>(ParseSshAddress("ssh://ann@10.0.0.7:2222")),
            (SshAddress{"ann", "10.0.0.7", 2222}));
  EXPECT_EQ(std::get<SshAddress>(ParseSshAddress("ssh://ann@[fe80::1]:22")),
            (SshAddress{"ann", "fe80::1", 22}));
  EXPECT_EQ(std::get<SshAddress>(ParseSshAddress("ssh://[::1]")),
            (SshAddress{std::nullopt, "::1", std::nullopt}));
}

TEST(SshAddress, SaysWhatIsWrong) {
  EXPECT_EQ(WhyNot("gpu1"), "it does not begin with ssh://");
  EXPECT_EQ(WhyNot("ssh://"), "\"\" is no host name");
  EXPECT_EQ(WhyNot("ssh://ann:secret@gpu1"), "a password has no place in it: use a key");
  EXPECT_EQ(WhyNot("ssh://@gpu1"), "\"\" is no user name");
  EXPECT_EQ(WhyNot("ssh://gpu1/data"), "\"gpu1/data\" is no host name");
  EXPECT_EQ(WhyNot("ssh://gpu1:0"), "\"0\" is no port: 1 to 65535");
  EXPECT_EQ(WhyNot("ssh://gpu1:22x"), "\"22x\" is no port: 1 to 65535");
  EXPECT_EQ(WhyNot("ssh://gpu1:65536"), "\"65536\" is no port: 1 to 65535");
  EXPECT_EQ(WhyNot("ssh://[fe80::1"), "the ] is missing");
  EXPECT_EQ(WhyNot("ssh://[gpu1]"), "within [ ] stands an IPv6 address");
  EXPECT_EQ(WhyNot("ssh://[::1]22"), "after ] comes :PORT or nothing");
}

TEST(SshAddress, LetsNothingThroughThatSomebodyElseTakesForMore) {
  for (const char* text : {"ssh://-oProxyCommand=x", "ssh://$(x)", "ssh://a b", "ssh://a;b",
                           "ssh://-l@host", "ssh://a\nb", "ssh://a'b", "ssh://..\\x"}) {
    EXPECT_NE(WhyNot(text), "") << text;
  }
}

}  // namespace ssh_address_test
}  // namespace ddl
