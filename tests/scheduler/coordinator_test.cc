// SPDX-License-Identifier: Apache-2.0
#include "scheduler/coordinator.h"

#include <gtest/gtest.h>

#include "tests/runner/temporary_folder.h"

namespace ddl {
namespace coordinator_test {

class Silent final : public CoordinatorObserver {
 public:
  void OnProgress(const SweepProgress&, const std::vector<RunningTrial>&, Now) override {}
  void OnSay(SweepId, const std::string&) override {}
  void OnHangUp() override {}
};

// One that is killed here has greeted no host, so that none has seen an epoch that is given again.
TEST(Coordinator, WritesItsEpochDownBeforeItGreetsAHost) {
  const TemporaryFolder folder;
  Silent observer;
  for (std::uint64_t start = 1; start <= 3; ++start) {
    {
      const Coordinator coordinator({.store_folder = folder.Path()}, Store::Open(folder.Path()),
                                    observer);
    }
    EXPECT_EQ(Store::Open(folder.Path()).Given().epoch, start);
  }
}

}  // namespace coordinator_test
}  // namespace ddl
