// SPDX-License-Identifier: Apache-2.0
// Trials on four hosts while the link to one of them is bad.
#pragma once

#include <random>
#include <string>

#include "tests/faults/host_ledger.h"

namespace ddl {

struct LongLine {
  int delay_ms = 1000;  // each way
  int jitter_ms = 50;
  int loss_percent = 0;
};

class HostLinks : public HostLedger {
 protected:
  // A host has two at a time.
  static constexpr HostSweep kHeld{
      .trials = 12, .is_held = true, .between_reports = std::chrono::milliseconds(250)};
  static constexpr int kAtOnce = 8;

  void AwaitHeld() const { Await(fmt::format("cause IS NULL AND {} >= 3", kRows), kAtOnce); }

  // The line becomes that bad while trials run, stays so, and is good again. How often the link
  // was made anew.
  int Stretch(const std::string& fault, const LongLine& line, std::chrono::seconds lasts) {
    const auto sweep = Begin(kHeld);
    AwaitHeld();
    network_.Lengthen(kBadHost, line.delay_ms, line.jitter_ms, line.loss_percent);
    const auto until = Clock::now() + lasts;
    int most_behind = 0;
    while (Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      most_behind = std::max(most_behind, Behind(Written()));
    }
    EXPECT_EQ(OpenStore().Number("SELECT count(*) FROM attempt WHERE cause IS NOT NULL"), 0);
    network_.Shorten(kBadHost);
    const Lines written = Written();
    const double caught_up_s = AwaitRows(written);
    LetGo();
    const Finished done = sweep->Wait();
    EXPECT_EQ(done.code, 0) << done.out << done.error;
    const int remade = Times(done.out, "host ssh://h1 does not answer");
    fmt::print(
        "{}: {} s, link made anew {} times, told silent {} times; at most {} rows behind, caught "
        "up {:.1f} s after its end\n",
        fault, lasts.count(), remade, Times(done.out, "host ssh://h1 is silent"), most_behind,
        caught_up_s);
    EXPECT_EQ(Times(done.out, "does not answer"), remade) << "another host's link went";
    AddToFaultTable(fault, "bad_link between network namespaces", Count(kHeld));
    return remade;
  }

  static int Times(const std::string& text, const std::string& what) {
    int times = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at)
      ++times;
    return times;
  }
};

}  // namespace ddl
