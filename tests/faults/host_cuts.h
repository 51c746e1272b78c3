// SPDX-License-Identifier: Apache-2.0
// A sweep over four hosts of which one cannot be reached for a while.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/host_ledger.h"

namespace ddl {

struct HostCut {
  std::string name;  // of the fault
  std::chrono::milliseconds lasts{1000};
  bool is_one_way = false;
  HostSweep sweep;
};

class HostCuts : public HostLedger {
 protected:
  void Run(const HostCut& cut) {
    HostSweep held = cut.sweep;
    held.is_held = true;
    const auto sweep = Begin(held, true);
    AwaitBadHost();
    LetGo();
    Await("ended_ms > 0", kHosts);
    // Two that have most of their reports before them.
    Await(fmt::format("host = 'ssh://h1' AND cause IS NULL AND {} BETWEEN 1 AND 5", kRows), 2);
    const std::int64_t cut_at = UnixMs();
    cut.is_one_way ? network_.Mute(kBadHost) : network_.Cut(kBadHost);
    std::this_thread::sleep_for(cut.lasts);
    const Lines written = Written();
    const int behind = Behind(written);
    const std::int64_t healed_at = UnixMs();
    cut.is_one_way ? network_.Unmute(kBadHost) : network_.Heal(kBadHost);
    const double caught_up_s = AwaitRows(written);
    const Finished done = sweep->Wait();
    ASSERT_EQ(done.code, 0) << done.out << done.error;
    fmt::print("{}: {} rows behind at its end\n", cut.name, behind);
    const bool is_given_up = cut.sweep.lost_after_s * 1000 < static_cast<double>(cut.lasts.count());
    EXPECT_TRUE(behind > 0 || is_given_up) << "the cut cut nothing off";
    EXPECT_LE(caught_up_s, 5) << "what was written until then is not in the store";
    const FaultTally tally = Count(held, is_given_up ? EndCause::kLost : EndCause::kExited);
    const Connection store = OpenStore();
    const std::size_t lost = Attempts(store, EndCause::kLost).size();
    EXPECT_EQ(lost > 0, is_given_up);
    fmt::print(
        "{}: caught up in {:.2f} s, {} given up; gap of the others {:.1f} ms before, {:.1f} "
        "ms during; longest turn without the commit {:.2f} ms\n",
        cut.name, caught_up_s, lost, Gap(store, 0, cut_at), Gap(store, cut_at, healed_at),
        LongestTurn(done.out));
    AddToFaultTable(cut.name, "network namespaces, four hosts; one of them", tally);
  }

  // Until two trials run there. Of a held sweep: the others cannot end it before this host, however
  // late it comes, has its part.
  void AwaitBadHost() const {
    Await(fmt::format("host = 'ssh://h1' AND cause IS NULL AND {} >= 1", kRows), 2);
  }

  // Median, of the other hosts: from the end of a trial to the start of the next on its host.
  static double Gap(const Connection& store, std::int64_t from, std::int64_t to) {
    std::vector<double> gaps = Gaps(store, from, to);
    if (gaps.empty()) return 0;
    std::ranges::nth_element(gaps, gaps.begin() + std::ssize(gaps) / 2);
    return gaps[gaps.size() / 2];
  }
  static std::vector<double> Gaps(const Connection& store, std::int64_t from, std::int64_t to) {
    std::map<std::string, std::vector<std::pair<std::int64_t, bool>>> news;  // starts are true
    Statement rows(store,
                   "SELECT host, started_ms, ended_ms FROM attempt WHERE host != 'ssh://h1'");
    while (rows.Step()) {
      news[rows.Text(0)].emplace_back(rows.Int(1), true);
      news[rows.Text(0)].emplace_back(rows.Int(2), false);
    }
    std::vector<double> gaps;
    for (auto& [host, times] : news) {
      std::ranges::sort(times);
      std::vector<std::int64_t> ends;
      for (const auto& [at, is_start] : times) {
        if (at < from || at > to) continue;
        if (!is_start) {
          ends.push_back(at);
        } else if (!ends.empty()) {
          gaps.push_back(static_cast<double>(at - ends.front()));
          ends.erase(ends.begin());
        }
      }
    }
    return gaps;
  }
};

}  // namespace ddl
