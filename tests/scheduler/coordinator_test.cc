// SPDX-License-Identifier: Apache-2.0
#include "scheduler/coordinator.h"

#include <gtest/gtest.h>

#include "runner/control_client.h"
#include "store/sqlite.h"
#include "tests/runner/temporary_folder.h"
#include "tests/scheduler/world.h"

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

TEST(Coordinator, OpensEachUnfinishedSweepOfAName) {
  const TemporaryFolder folder;
  Silent observer;
  const SweepRequest request{
      .spec = test::GridOf(3), .spec_text = "text", .provenance_json = "{}", .begin_new = true};
  for (std::size_t sweeps = 0; sweeps <= 2; ++sweeps) {
    Coordinator coordinator({.store_folder = folder.Path()}, Store::Open(folder.Path()), observer);
    EXPECT_EQ(coordinator.Progress().size(), sweeps);
    (void)coordinator.Open(request);
  }
}

// What was decided with it would be lost, and the decider would not know.
TEST(Coordinator, EndsWhereAClientsWordCannotBeWrittenDown) {
  const TemporaryFolder folder;
  Silent observer;
  // Its agent leaves at once.
  Coordinator coordinator({.store_folder = folder.Path(), .agent_path = "/bin/true"},
                          Store::Open(folder.Path()), observer);
  const Connection other(folder.Path() + "/ddl.db", OpenAs::kWriter);
  other.Execute("CREATE TRIGGER full BEFORE INSERT ON sweep BEGIN SELECT raise(FAIL, 'full'); END");
  const SweepRequest request{.spec = test::GridOf(3), .spec_text = "text", .provenance_json = "{}"};
  std::optional<ControlClient> client = ControlClient::Connect(folder.Path());
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->Send(EncodeWord(OpenWord{request})));
  EXPECT_THROW((void)coordinator.RunWhile([] { return true; }), Unsettled);
}

}  // namespace coordinator_test
}  // namespace ddl
