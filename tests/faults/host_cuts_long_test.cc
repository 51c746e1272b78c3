// SPDX-License-Identifier: Apache-2.0
// A host that cannot be reached for seconds and minutes. Trials are as long as is needed for the
// others to have work all the while.
#include "tests/faults/host_cuts.h"

namespace ddl {
namespace host_cuts_long_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HostSweep Slow(milliseconds between_reports, double lost_after_s = 1800) {
  return {.trials = 64, .between_reports = between_reports, .lost_after_s = lost_after_s};
}

TEST_F(HostCuts, OfASecond) {
  Run({.name = "a link cut for 1 s", .sweep = Slow(milliseconds(60))});
}

TEST_F(HostCuts, OfHalfAMinute) {
  Run({.name = "a link cut for 30 s", .lasts = seconds(30), .sweep = Slow(milliseconds(500))});
}

TEST_F(HostCuts, OfFiveMinutes) {
  Run({.name = "a link cut for 5 min", .lasts = seconds(300), .sweep = Slow(milliseconds(4500))});
}

TEST_F(HostCuts, OneWayForAMinute) {
  Run({.name = "a one-way cut for 1 min",
       .lasts = seconds(60),
       .is_one_way = true,
       .sweep = Slow(milliseconds(1000))});
}

TEST_F(HostCuts, ForLongerThanItIsWaitedFor) {
  Run({.name = "a link cut for longer than lost_after_s",
       .lasts = seconds(90),
       .sweep = Slow(milliseconds(2000), 20)});
}

// A measurement: no bar, since the machine may be busy. In turn, so that load hits both alike.
TEST_F(HostCuts, LeaveTheOthersTheirPace) {
  const HostSweep wanted{.trials = 2500, .reports = 1, .between_reports = milliseconds(30)};
  const auto sweep = Begin(wanted);
  Await("ended_ms > 0", 100);
  std::vector<std::pair<std::int64_t, std::int64_t>> whole;
  std::vector<std::pair<std::int64_t, std::int64_t>> cut;
  const auto pass = [](auto& windows) {
    const std::int64_t from = UnixMs();
    std::this_thread::sleep_for(seconds(2));
    windows.emplace_back(from, UnixMs());
  };
  for (int round = 0; round < 3; ++round) {
    pass(whole);
    network_.Cut(kBadHost);
    pass(cut);
    network_.Heal(kBadHost);
  }
  EXPECT_EQ(sweep->Wait().code, 0);
  // The middle half's mean: the store's times are whole milliseconds.
  const auto pace = [store = OpenStore()](const auto& windows) {
    std::vector<double> gaps;
    for (const auto& [from, to] : windows) {
      for (const double gap : Gaps(store, from, to))
        gaps.push_back(gap);
    }
    std::ranges::sort(gaps);
    double sum = 0;
    for (std::size_t i = gaps.size() / 4; i < gaps.size() * 3 / 4; ++i)
      sum += gaps[i];
    return std::pair(sum / static_cast<double>(gaps.size() / 2), gaps.size());
  };
  const auto [usual, of_usual] = pace(whole);
  const auto [during, of_during] = pace(cut);
  fmt::print(
      "exit to next start on the other hosts: {:.2f} ms ({} trials), {:.2f} ms during cuts of "
      "one host's link ({} trials)\n",
      usual, of_usual, during, of_during);
}

}  // namespace host_cuts_long_test
}  // namespace ddl
