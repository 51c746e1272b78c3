// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "bench/searches/problem.h"
#include <fmt/format.h>

#include "configs/mix.h"

namespace ddl::bench {

namespace {

using Reals = std::vector<double>;
constexpr double kPi = std::numbers::pi;

double Branin(const Reals& x) {
  const double a = x[1] - 5.1 / (4 * kPi * kPi) * x[0] * x[0] + 5 / kPi * x[0] - 6;
  return a * a + 10 * (1 - 1 / (8 * kPi)) * std::cos(x[0]) + 10;
}

double Hartmann(const Reals& x) {
  constexpr double kAlpha[4] = {1.0, 1.2, 3.0, 3.2};
  constexpr double kA[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                               {0.05, 10, 17, 0.1, 8, 14},
                               {3, 3.5, 1.7, 10, 17, 8},
                               {17, 8, 0.05, 10, 0.1, 14}};
  constexpr double kP[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                               {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                               {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                               {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    double inner = 0;
    for (std::size_t j = 0; j < 6; ++j) {
      inner += kA[i][j] * (x[j] - kP[i][j]) * (x[j] - kP[i][j]);
    }
    sum -= kAlpha[i] * std::exp(-inner);
  }
  return sum;
}

double Rosenbrock(const Reals& x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    sum += 100 * std::pow(x[i + 1] - x[i] * x[i], 2) + std::pow(x[i] - 1, 2);
  }
  return sum;
}

double Ackley(const Reals& x) {
  double squares = 0;
  double cosines = 0;
  for (const double at : x) {
    squares += at * at;
    cosines += std::cos(2 * kPi * at);
  }
  const auto count = static_cast<double>(x.size());
  return 20 + std::numbers::e - 20 * std::exp(-0.2 * std::sqrt(squares / count)) -
         std::exp(cosines / count);
}

double Levy(const Reals& x) {
  const auto w = [&x](std::size_t i) { return 1 + (x[i] - 1) / 4; };
  const std::size_t last = x.size() - 1;
  double sum = std::pow(std::sin(kPi * w(0)), 2);
  for (std::size_t i = 0; i < last; ++i) {
    sum += std::pow(w(i) - 1, 2) * (1 + 10 * std::pow(std::sin(kPi * w(i) + 1), 2));
  }
  return sum + std::pow(w(last) - 1, 2) * (1 + std::pow(std::sin(2 * kPi * w(last)), 2));
}

double Rastrigin(const Reals& x) {
  double sum = 10 * static_cast<double>(x.size());
  for (const double at : x) {
    sum += at * at - 10 * std::cos(2 * kPi * at);
  }
  return sum;
}

double StyblinskiTang(const Reals& x) {
  double sum = 0;
  for (const double at : x) {
    sum += (std::pow(at, 4) - 16 * at * at + 5 * at) / 2;
  }
  return sum;
}

NamedProblem Analytic(const std::string& name, Space space, double (*function)(const Reals&),
                      double optimum) {
  return {name, [=](std::uint64_t) {
            Problem problem{.space = space, .optimum = optimum};
            problem.values = [=](const Configuration& point) {
              return Reals{function(Coordinates(space, point))};
            };
            return problem;
          }};
}

NamedProblem OffCentre(const std::string& name, std::size_t dimensions, double low, double high,
                       double (*function)(const Reals&), double optimum = 0) {
  return Analytic(fmt::format("{}-{}d", name, dimensions), RealSpace(dimensions, 0.6 * low, high),
                  function, optimum);
}

// f1 = x1, f2 = g h(f1, g), g by the other 29.
NamedProblem Front(const std::string& name, double (*shape)(double first, double g)) {
  return {name, [=](std::uint64_t) {
            Problem problem{.space = RealSpace(30, 0, 1), .objectives = 2, .reference = {11, 11}};
            problem.values = [=, space = problem.space](const Configuration& point) {
              const Reals x = Coordinates(space, point);
              double sum = 0;
              for (std::size_t i = 1; i < x.size(); ++i) {
                sum += x[i];
              }
              const double g = 1 + 9 * sum / static_cast<double>(x.size() - 1);
              return Reals{x[0], g * shape(x[0], g)};
            };
            return problem;
          }};
}

}  // namespace

double UniformAt(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
  const std::uint64_t bits = Mix(Mix(Mix(seed + kGolden) + purpose * kGolden) + index * kGolden);
  return (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53;
}

Space RealSpace(std::size_t dimensions, double low, double high) {
  Space space(dimensions);
  for (std::size_t i = 0; i < dimensions; ++i) {
    space[i].path = {fmt::format("x{}", i + 1)};
    space[i].distribution = Distribution::kUniform;
    space[i].min = low;
    space[i].max = high;
  }
  return space;
}

std::vector<double> Coordinates(const Space& space, const Configuration& point) {
  Reals coordinates;
  coordinates.reserve(space.size());
  for (const Parameter& parameter : space) {
    coordinates.push_back(point.at(parameter.Name()).get<double>());
  }
  return coordinates;
}

std::vector<NamedProblem> TableProblems() {
  Space branin = RealSpace(2, -5, 10);
  branin[1].min = 0;
  branin[1].max = 15;
  constexpr double kTang = -39.16616570377142;
  return {
      Analytic("branin", branin, Branin, 0.39788735772973816),
      Analytic("hartmann-6d", RealSpace(6, 0, 1), Hartmann, -3.322368011415515),
      OffCentre("rosenbrock", 5, -5, 10, Rosenbrock),
      OffCentre("ackley", 5, -32.768, 32.768, Ackley),
      OffCentre("ackley", 10, -32.768, 32.768, Ackley),
      OffCentre("levy", 5, -10, 10, Levy),
      OffCentre("levy", 10, -10, 10, Levy),
      OffCentre("rastrigin", 5, -5.12, 5.12, Rastrigin),
      OffCentre("rastrigin", 10, -5.12, 5.12, Rastrigin),
      OffCentre("styblinski-tang", 5, -5, 5, StyblinskiTang, 5 * kTang),
      OffCentre("styblinski-tang", 10, -5, 5, StyblinskiTang, 10 * kTang),
  };
}

std::vector<NamedProblem> FrontProblems() {
  return {
      Front("zdt1", [](double first, double g) { return 1 - std::sqrt(first / g); }),
      Front("zdt2", [](double first, double g) { return 1 - std::pow(first / g, 2); }),
      Front("zdt3",
            [](double first, double g) {
              return 1 - std::sqrt(first / g) - first / g * std::sin(10 * kPi * first);
            }),
  };
}

}  // namespace ddl::bench
