// SPDX-License-Identifier: Apache-2.0
// A power failure at any moment loses nothing that was committed.
#include <gtest/gtest.h>

#include "tests/faults/fault_table.h"
#include "tests/power/database_states.h"
#include "tests/runner/temporary_folder.h"

namespace ddl::power {
namespace power_store_test {

Tally FailAfterEach(const Lives& lives, int seeds, std::size_t stride) {
  const TemporaryFolder real;
  const TemporaryFolder image;
  const std::vector<Request> requests = RecordLives(real.Path(), lives);
  const Tally tally = FailEverywhere(requests, real.Path(), image.Path(), lives, seeds, stride);

  fmt::print("{} requests, {} states: {} lost, {} saved but lost, {} damaged\n", requests.size(),
             tally.states, tally.lost, tally.saved_lost, tally.damaged);
  AddToFaultTable(lives.syncs ? "power failure of the store"
                              : "power failure of the store, syncs off: losses must be seen",
                  "unsynced writes dropped, reordered, torn",
                  {.runs = tally.states, .lost = tally.lost + tally.saved_lost + tally.damaged});
  return tally;
}

TEST(PowerStore, KeepsWhatWasCommittedAtEveryMoment) {
  const Tally tally = FailAfterEach({.lives = 2, .commits = 9}, 2, 1);
  EXPECT_GE(tally.states, 1'000);
  EXPECT_EQ(tally.lost, 0);
  EXPECT_EQ(tally.saved_lost, 0);
  EXPECT_EQ(tally.damaged, 0);
}

TEST(PowerStore, TheTestFindsLossesWhereSyncsDoNothing) {
  const Tally tally = FailAfterEach({.lives = 2, .commits = 9, .syncs = false}, 2, 3);
  EXPECT_GT(tally.lost + tally.damaged, 0);
  EXPECT_GT(tally.saved_lost, 0);
}

}  // namespace power_store_test
}  // namespace ddl::power
