// SPDX-License-Identifier: Apache-2.0
// Many power failures of the store: at every request of long lives, and around a checkpoint that
// happens while the database is open.
#include <gtest/gtest.h>

#include "tests/faults/fault_table.h"
#include "tests/power/database_states.h"
#include "tests/runner/temporary_folder.h"

namespace ddl::power {
namespace power_store_long_test {

Tally FailAfterEach(const Lives& lives, int seeds, std::size_t stride) {
  const TemporaryFolder real;
  const TemporaryFolder image;
  const std::vector<Request> requests = RecordLives(real.Path(), lives);
  const Tally tally = FailEverywhere(requests, real.Path(), image.Path(), lives, seeds, stride);
  fmt::print("{} requests, {} states: {} lost, {} saved but lost, {} damaged\n", requests.size(),
             tally.states, tally.lost, tally.saved_lost, tally.damaged);
  AddToFaultTable("power failure of the store", "unsynced writes dropped, reordered, torn",
                  {.runs = tally.states, .lost = tally.lost + tally.saved_lost + tally.damaged});
  EXPECT_EQ(tally.lost, 0);
  EXPECT_EQ(tally.saved_lost, 0);
  EXPECT_EQ(tally.damaged, 0);
  return tally;
}

TEST(PowerStoreLong, KeepsWhatWasCommittedAtEveryMoment) {
  const Tally tally =
      FailAfterEach({.lives = 8, .commits = 14, .rows = 20, .backup_every = 9}, 9, 1);
  EXPECT_GE(tally.states, 20'000);
}

// The log is copied into the database every 4,000 pages, and then begun anew in place.
TEST(PowerStoreLong, KeepsWhatWasCommittedAroundACheckpoint) {
  const Tally tally =
      FailAfterEach({.lives = 1, .commits = 60, .rows = 4'000, .backup_every = 1'000}, 1, 61);
  EXPECT_GE(tally.states, 100);
}

}  // namespace power_store_long_test
}  // namespace ddl::power
