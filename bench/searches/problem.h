// SPDX-License-Identifier: Apache-2.0
// What searches are measured on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/space.h"

namespace ddl::bench {

struct Problem {
  ddl::Space space;
  std::size_t objectives = 1;
  double optimum = 0;             // the least value; 0 where nobody knows
  std::vector<double> reference;  // several objectives: where the hypervolume ends
  std::function<std::vector<double>(const Configuration&)> values;  // lower is better
  // What is no part of the space though its ranges have it.
  std::function<bool(const Configuration&)> exists = [](const Configuration&) { return true; };
};

struct NamedProblem {
  std::string name;
  // Some differ from seed to seed, so that nothing is tuned to one instance.
  std::function<Problem(std::uint64_t seed)> make;
};

// Branin, Hartmann 6, Rosenbrock, Ackley, Levy, Rastrigin and Styblinski-Tang: the suite "table".
// As Surjanovic and Bingham have them (Virtual Library of Simulation Experiments, 2013), but in
// boxes [0.6 lower, upper], so that no optimum is in the middle; Branin's and Hartmann's own.
[[nodiscard]] std::vector<NamedProblem> TableProblems();
// Random instances of other kinds, mixed and conditional ones too: the suite "tuning".
[[nodiscard]] std::vector<NamedProblem> TuningProblems();
// ZDT1, 2 and 3 of Zitzler, Deb and Thiele (2000), 30 parameters: the suite "fronts".
[[nodiscard]] std::vector<NamedProblem> FrontProblems();
// A CSV file: columns of parameters, then one of values; lower is better. Its rows are the space.
// Exits with a message where it cannot be read.
[[nodiscard]] NamedProblem TableOfFile(const std::string& path, bool maximize);

// A number in (0, 1), by its place.
[[nodiscard]] double UniformAt(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index);
// x1 ... xd of the same range.
[[nodiscard]] Space RealSpace(std::size_t dimensions, double low, double high);
[[nodiscard]] std::vector<double> Coordinates(const Space& space, const Configuration& point);

}  // namespace ddl::bench
