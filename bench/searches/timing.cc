// SPDX-License-Identifier: Apache-2.0
#include "bench/searches/timing.h"

#include <algorithm>
#include <ctime>

#include "bench/searches/campaign.h"
#include "bench/searches/summary.h"

#include "configs/sampling.h"

namespace ddl::bench {

namespace {

// Of this process, which has one thread: what others do on the machine does not count.
double ProcessorMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

Outcome OutcomeAt(const Space& space, const Configuration& point, std::int64_t number) {
  if (number % 16 == 15) return {.kind = Outcome::Kind::kFailed};
  double sum = 0;
  for (const double at : Coordinates(space, point))
    sum += (at - 0.3) * (at - 0.3);
  const bool is_pruned = number % 16 == 7;
  return {.kind = is_pruned ? Outcome::Kind::kPruned : Outcome::Kind::kFinished,
          .values = {sum},
          .resource = is_pruned ? 3.0 : 0.0};
}

}  // namespace

Timing TimeSuggestions(const std::string& method, std::size_t dimensions, std::int64_t history,
                       std::int64_t suggestions) {
  const Space space = RealSpace(dimensions, 0, 1);
  std::vector<Configuration> known;
  for (std::int64_t i = 0; i < history; ++i)
    known.push_back(SamplePoint(space, 17, i));
  Timing timing{.method = method, .dimensions = dimensions, .history = history};
  const double start = ProcessorMicroseconds();
  const auto search = MakeProposer(method, {.space = space, .seed = 5});
  for (std::int64_t i = 0; i < history; ++i) {
    const Configuration& point = known[static_cast<std::size_t>(i)];
    search->Take(i, point);
    search->Tell(i, OutcomeAt(space, point, i));
  }
  timing.start_ms = (ProcessorMicroseconds() - start) / 1e3;
  std::vector<double> times;
  for (std::int64_t i = history; i < history + suggestions; ++i) {
    const double before = ProcessorMicroseconds();
    const Configuration point = search->Propose(i).value_or(SamplePoint(space, 18, i));
    search->Take(i, point);
    search->Tell(i, OutcomeAt(space, point, i));
    times.push_back(ProcessorMicroseconds() - before);
  }
  timing.suggestion_us = MedianOf(times);
  std::ranges::sort(times);
  timing.suggestion_p99_us = times[(times.size() - 1) * 99 / 100];
  return timing;
}

}  // namespace ddl::bench
