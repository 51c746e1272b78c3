// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/sanitized.h"
#include "tests/simulation/seeds.h"

namespace ddl::simulation {
namespace simulation_test {

Options Seed(std::uint64_t seed) {
  Options options;
  options.seed = seed;
  return options;
}

TEST(Simulation, TheSameSeedIsTheSameWorld) {
  std::uint64_t before = 0;
  for (std::uint64_t seed = 1; seed <= (kIsSanitized ? 12 : 50); ++seed) {
    const std::uint64_t hash = RunWorld(Seed(seed)).hash;
    EXPECT_EQ(hash, RunWorld(Seed(seed)).hash) << seed;
    EXPECT_NE(hash, before) << seed;
    before = hash;
  }
}

TEST(Simulation, SeedsThatOnceFailedHold) {
  std::ifstream file(DDL_SOURCE_DIR "/tests/simulation/failed_seeds.txt");
  int seeds = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uint64_t seed = 0;
    if (!(words >> seed)) continue;
    ++seeds;
    const auto failure = RunApart(Seed(seed));
    EXPECT_FALSE(failure) << line << "\n" << failure->rule << ": " << failure->text;
  }
  EXPECT_GE(seeds, 7);
}

TEST(Simulation, HoldsWithTwoHundredHostsOfWhichATenthIsFailing) {
  for (std::uint64_t seed = 1; seed <= (kIsSanitized ? 1 : 2); ++seed) {
    Options options = Seed(seed);
    options.fleet = 200;
    const Outcome outcome = RunWorld(options);
    EXPECT_FALSE(outcome.violation) << options.CommandLine() << "\n" << outcome.violation->text;
    EXPECT_GT(outcome.tally.trials, 500);
    EXPECT_GT(outcome.tally.hosts_failing * 12, outcome.tally.hosts_looked_at);
  }
}

TEST(Simulation, RandomNumbersAreTheSameEverywhere) {
  Random dice(1);
  EXPECT_EQ(dice.Next(), 12966619160104079557U);
  EXPECT_EQ(dice.Next(), 9600361134598540522U);
  for (int i = 0; i < 1'000; ++i) {
    const Time drawn = dice.Spread(Time(10), Time(1'000));
    EXPECT_TRUE(drawn >= Time(10) && drawn <= Time(1'000)) << drawn.count();
  }
}

TEST(Simulation, AStoreRefusesWhatIsStale) {
  MemoryStore store([](std::string_view, const std::string& text) { FAIL() << text; });
  EXPECT_TRUE(store.Commit(std::vector<Change>{EpochRaised{2}}, 2));
  EXPECT_FALSE(store.Commit(std::vector<Change>{EpochRaised{1}}, 1));
}

}  // namespace simulation_test
}  // namespace ddl::simulation
