// SPDX-License-Identifier: Apache-2.0
// ddl as an optimizer for a program that runs its trials by itself: it asks for configurations and
// tells what came of them. Each call is one commit, so that a kill at any moment loses nothing. The
// caller holds the store's lock; no coordinator is involved, and none ever runs such a sweep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/admission.h"
#include "store/store.h"

namespace ddl {

inline constexpr std::string_view kOutsideHost = "outside";  // where such trials run, for the store

struct OutsideTrial {
  std::int64_t number = 0;         // 1, 2, 3, … within the sweep
  std::int64_t configuration = 0;  // 0, 1, 2, …
  int seed = 0;                    // 0 … seeds - 1 of the configuration
  Configuration parameters;
};

struct AskedOutside {
  std::vector<OutsideTrial> trials;
  std::string end;   // why they are fewer than asked for; "": they are not
  std::string note;  // what the search says of itself, where that is new
};

// Begins the sweep where the store has none of its name, or where the request asks for another.
// Then the next `count` trials, open from now on. Throws Error where the sweep in the store is of
// another spec, or has its trials run by ddl.
[[nodiscard]] AskedOutside AskOutside(Store& store, const SweepRequest& request, std::int64_t count,
                                      std::int64_t unix_ms);

struct Telling {
  std::string sweep;
  std::int64_t number = 0;
  std::vector<double> values;  // one an objective, in the order of the spec
  bool has_failed = false;     // without values
};

struct ToldOutside {
  std::int64_t configuration = 0;
  bool ends_sweep = false;
  std::string reason;  // with ends_sweep
};

// Ends that trial. Throws Error for a trial that was not asked for or has ended, and for values
// that are too few, too many or no numbers.
[[nodiscard]] ToldOutside TellOutside(Store& store, const Telling& telling, std::int64_t unix_ms);

// Throws Error where the trials of that sweep are run outside, and so by no coordinator.
void RefuseOutside(const SweepHistory& history);

}  // namespace ddl
