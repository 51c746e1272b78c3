// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/pbt_hosts.h"

namespace ddl {
namespace pbt_hosts_test {

class PbtHostsMove : public PbtHosts {
 protected:
  void Move(const std::string& a, const std::string& b) {
    const auto sweep = BeginToMove(SpecOf("moved", "'" + a + "', '" + b + "'", "1 5"), a, b);
    LetGo();
    const Finished done = sweep->Wait();
    EXPECT_EQ(done.code, 0) << done.out << done.error;
    EXPECT_TRUE(ExpectLineage("moved").contains({a, b}));
    EXPECT_EQ(hosts_.at(12), b);
  }
};

TEST_F(PbtHostsMove, FromThisMachine) {
  Move("local", "ssh://test-host");
}

TEST_F(PbtHostsMove, ToThisMachine) {
  Move("ssh://test-host", "local");
}

TEST_F(PbtHostsMove, BetweenTwoOthers) {
  Move("ssh://test-host", "ssh://other-host");
}

}  // namespace pbt_hosts_test
}  // namespace ddl
