// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/seeds.h"

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddl::simulation {

namespace {

// What a child process has to tell, in memory that both see.
struct Shared {
  std::uint64_t seed = 0;  // that runs, or failed
  bool has_failed = false;
  bool is_done = false;
  std::array<char, 128> rule{};
  std::array<char, 512> text{};
};

constexpr std::string_view kAssertion = "an assertion of the product holds";

void Copy(std::string_view text, std::span<char> place) {
  const std::size_t length = std::min(text.size(), place.size() - 1);
  std::memcpy(place.data(), text.data(), length);
  place[length] = '\0';
}

// Runs `what` in a child; what it left in the shared memory, and whether it was ended by a signal.
template <class What>
Shared Apart(What what) {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to share with a child");
  Shared* shared = new (memory) Shared;
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no more processes");
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
    what(*shared);
    shared->is_done = true;
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Shared result = *shared;
  ::munmap(memory, sizeof(Shared));
  if (!result.is_done) {
    result.has_failed = true;
    Copy(kAssertion, result.rule);
    Copy("see it with --trace", result.text);
  }
  return result;
}

void Note(const Outcome& outcome, Shared& shared) {
  if (!outcome.violation) return;
  shared.has_failed = true;
  Copy(outcome.violation->rule, shared.rule);
  Copy(outcome.violation->text, shared.text);
}

std::uint64_t& SeedThatRuns() {
  static std::uint64_t seed = 0;
  return seed;
}

extern "C" void SayReplay(int) {
  const std::string line =
      fmt::format("\nan assertion failed; replay it: ddl-sim --seed {} --trace\n", SeedThatRuns());
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(1);
}

}  // namespace

Outcome RunWorld(const Options& options) {
  World world(options);
  return world.Run();
}

std::optional<Failure> RunSeeds(std::uint64_t first,
                                const std::function<bool(const Tally&)>& goes_on, Tally& tally) {
  std::signal(SIGABRT, SayReplay);
  for (std::uint64_t seed = first; goes_on(tally); ++seed) {
    SeedThatRuns() = seed;
    Options options;
    options.seed = seed;
    const Outcome outcome = RunWorld(options);
    tally.Add(outcome.tally);
    if (outcome.violation)
      return Failure{options, outcome.violation->rule, outcome.violation->text};
  }
  return std::nullopt;
}

std::optional<Failure> RunApart(const Options& options) {
  const Shared shared = Apart([&](Shared& place) { Note(RunWorld(options), place); });
  if (!shared.has_failed) return std::nullopt;
  return Failure{options, shared.rule.data(), shared.text.data()};
}

Found FindFailure(std::uint64_t first, std::uint64_t count) {
  const Shared shared = Apart([&](Shared& place) {
    for (std::uint64_t seed = first; seed < first + count && !place.has_failed; ++seed) {
      place.seed = seed;
      Options options;
      options.seed = seed;
      Note(RunWorld(options), place);
    }
  });
  Found found;
  found.seeds = shared.seed - first + 1;
  if (!shared.has_failed) return found;
  Options options;
  options.seed = shared.seed;
  found.failure = Failure{options, shared.rule.data(), shared.text.data()};
  return found;
}

Options Shrink(const Failure& failure) {
  Options best = failure.options;
  const auto try_smaller = [&](const Options& smaller) {
    const auto again = RunApart(smaller);
    if (!again || again->rule != failure.rule) return false;
    best = smaller;
    return true;
  };
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    Options smaller = best;
    if (smaller.without.insert(static_cast<Fault>(i)).second) (void)try_smaller(smaller);
  }
  for (auto limit : {&Options::most_sweeps, &Options::most_hosts, &Options::most_trials}) {
    for (const std::int64_t most : {1, 2, 4, 8}) {
      Options smaller = best;
      smaller.*limit = most;
      if (try_smaller(smaller)) break;
    }
  }
  for (const std::int64_t percent : {5, 10, 25, 50}) {
    Options smaller = best;
    smaller.chaos_percent = percent;
    if (try_smaller(smaller)) break;
  }
  return best;
}

}  // namespace ddl::simulation
