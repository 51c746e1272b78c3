// SPDX-License-Identifier: Apache-2.0
// What every part of a simulated world shares: time, chance, the trace, and how a broken rule ends
// the run.
#pragma once

#include <string>
#include <string_view>

#include "tests/simulation/agenda.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/trace.h"

namespace ddl::simulation {

// Thrown by whoever sees an invariant broken; caught where the world is run.
struct Violation {
  std::string rule;
  std::string text;
};

struct Surroundings {
  Surroundings(Scenario the_scenario, bool prints)
      : scenario(std::move(the_scenario)), trace(prints), dice(scenario.seed ^ 0xd1ceU) {}

  Scenario scenario;
  Agenda agenda;
  Trace trace;
  Tally tally;
  Random dice;
  bool is_chaos = true;  // false: no fault strikes any more

  bool Strikes(Fault fault) {
    if (!is_chaos || !scenario.Has(fault) || !dice.Chance(scenario.Rate(fault))) return false;
    tally.Count(fault);
    return true;
  }
  // A moment, as long as a step of a process takes.
  Time Moment() { return dice.Spread(std::chrono::microseconds(20), std::chrono::milliseconds(4)); }

  [[noreturn]] static void Violate(std::string_view rule, std::string text) {
    throw Violation{std::string(rule), std::move(text)};
  }
};

}  // namespace ddl::simulation
