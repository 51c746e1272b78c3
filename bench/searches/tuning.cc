// SPDX-License-Identifier: Apache-2.0
// None of these is like a function of the table: settings that suit them suit unknown ones.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "bench/searches/problem.h"

namespace ddl::bench {

namespace {

using Vector = std::vector<double>;

enum Purpose : std::uint64_t { kCentre = 1, kRotation, kWeight, kHeight, kWidth, kEffect, kWave };

double NormalAt(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index) {
  const double radius = std::sqrt(-2 * std::log(UniformAt(seed, purpose, 2 * index)));
  return radius * std::cos(2 * std::numbers::pi * UniformAt(seed, purpose, 2 * index + 1));
}

Vector CentreOf(std::uint64_t seed, std::size_t dimensions, double low, double high) {
  Vector centre(dimensions);
  for (std::size_t i = 0; i < dimensions; ++i) {
    centre[i] = low + (high - low) * UniformAt(seed, kCentre, i);
  }
  return centre;
}

// Rows are orthonormal: Gram and Schmidt on normal draws.
std::vector<Vector> RotationOf(std::uint64_t seed, std::size_t dimensions) {
  std::vector<Vector> rows(dimensions, Vector(dimensions));
  for (std::size_t i = 0; i < dimensions; ++i) {
    for (std::size_t j = 0; j < dimensions; ++j) {
      rows[i][j] = NormalAt(seed, kRotation, i * dimensions + j);
    }
    for (std::size_t other = 0; other < i; ++other) {
      double along = 0;
      for (std::size_t j = 0; j < dimensions; ++j)
        along += rows[i][j] * rows[other][j];
      for (std::size_t j = 0; j < dimensions; ++j)
        rows[i][j] -= along * rows[other][j];
    }
    double square = 0;
    for (const double at : rows[i])
      square += at * at;
    for (double& at : rows[i])
      at /= std::sqrt(square);
  }
  return rows;
}

using Function = std::function<double(const Vector&)>;

Problem RealProblem(std::size_t dimensions, double low, double high, Function function) {
  Problem problem{.space = RealSpace(dimensions, low, high)};
  problem.values = [space = problem.space,
                    function = std::move(function)](const Configuration& point) {
    return Vector{function(Coordinates(space, point))};
  };
  return problem;
}

// A rotated ellipsoid whose axes differ by 10 : 1; smooth, one valley.
Problem Ellipsoid(std::uint64_t seed, std::size_t dimensions) {
  return RealProblem(dimensions, 0, 1,
                     [=, centre = CentreOf(seed, dimensions, 0.1, 0.9),
                      rotation = RotationOf(seed, dimensions)](const Vector& x) {
                       double sum = 0;
                       for (std::size_t i = 0; i < dimensions; ++i) {
                         double along = 0;
                         for (std::size_t j = 0; j < dimensions; ++j)
                           along += rotation[i][j] * (x[j] - centre[j]);
                         const double power =
                             static_cast<double>(i) / static_cast<double>(dimensions - 1);
                         sum += std::pow(100, power) * along * along;
                       }
                       return sum;
                     });
}

// Many shallow dips on a bowl.
Problem Griewank(std::uint64_t seed, std::size_t dimensions) {
  return RealProblem(dimensions, -60, 60,
                     [=, centre = CentreOf(seed, dimensions, -45, 45)](const Vector& x) {
                       double squares = 0;
                       double product = 1;
                       for (std::size_t i = 0; i < dimensions; ++i) {
                         const double away = x[i] - centre[i];
                         squares += away * away / 400;
                         product *= std::cos(away / std::sqrt(static_cast<double>(i + 1)));
                       }
                       return squares - product + 1;
                     });
}

// Waves in as many random directions as dimensions, of about three to nine crests a unit; nothing
// at the centre and two at most.
Function Ripples(std::uint64_t seed, std::size_t dimensions, const Vector& centre) {
  return [=, directions = RotationOf(seed ^ kWave, dimensions)](const Vector& x) {
    double sum = 0;
    for (std::size_t wave = 0; wave < dimensions; ++wave) {
      double along = 0;
      for (std::size_t i = 0; i < dimensions; ++i)
        along += directions[wave][i] * (x[i] - centre[i]);
      const double crests = 3 * std::pow(3, UniformAt(seed, kWave, wave));
      sum += 1 - std::cos(2 * std::numbers::pi * crests * along);
    }
    return sum / static_cast<double>(dimensions);
  };
}

double MeanSquare(const Vector& x, const Vector& centre) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += (x[i] - centre[i]) * (x[i] - centre[i]);
  return sum / static_cast<double>(x.size());
}

// A bowl that is hard to see for the dents in it.
Problem Dents(std::uint64_t seed, std::size_t dimensions) {
  const Vector centre = CentreOf(seed, dimensions, 0.2, 0.8);
  return RealProblem(dimensions, 0, 1,
                     [=, ripples = Ripples(seed, dimensions, centre)](const Vector& x) {
                       return 6 * MeanSquare(x, centre) + ripples(x);
                     });
}

// A plain that falls ever more steeply towards one place, with small stones everywhere.
Problem Funnel(std::uint64_t seed, std::size_t dimensions) {
  const Vector centre = CentreOf(seed, dimensions, 0.1, 0.9);
  return RealProblem(dimensions, 0, 1,
                     [=, ripples = Ripples(seed, dimensions, centre)](const Vector& x) {
                       const double distance = std::sqrt(MeanSquare(x, centre));
                       return distance / (0.1 + distance) + 0.1 * ripples(x);
                     });
}

// Each parameter matters less than the one before, with a kink at the optimum.
Problem Kinks(std::uint64_t seed, std::size_t dimensions) {
  return RealProblem(
      dimensions, 0, 1, [=, centre = CentreOf(seed, dimensions, 0.05, 0.95)](const Vector& x) {
        double sum = 0;
        for (std::size_t i = 0; i < dimensions; ++i) {
          sum += std::pow(std::abs(x[i] - centre[i]), 0.8) * std::pow(0.7, static_cast<double>(i));
        }
        return sum;
      });
}

// Twelve hills of many heights in no order; the optimum is about the highest one's top.
Problem Hills(std::uint64_t seed, std::size_t dimensions) {
  constexpr std::uint64_t kHills = 12;
  Problem problem = RealProblem(dimensions, 0, 1, [=](const Vector& x) {
    double best = 0;
    for (std::uint64_t hill = 0; hill < kHills; ++hill) {
      double square = 0;
      for (std::size_t i = 0; i < dimensions; ++i) {
        const double away = x[i] - UniformAt(seed, kCentre, hill * dimensions + i);
        square += away * away;
      }
      const double width = 0.15 + 0.25 * UniformAt(seed, kWidth, hill);
      const double height = hill == 0 ? 1 : 0.9 * UniformAt(seed, kHeight, hill);
      best = std::max(best, height * std::exp(-square / (2 * width * width)));
    }
    return 1 - best;
  });
  return problem;
}

// The sum of a function a parameter, each with three valleys of other depths and widths.
Problem Valleys(std::uint64_t seed, std::size_t dimensions) {
  return RealProblem(dimensions, 0, 1, [=](const Vector& x) {
    double sum = 0;
    for (std::size_t i = 0; i < dimensions; ++i) {
      double lowest = 1;
      for (std::uint64_t valley = 0; valley < 3; ++valley) {
        const double at = UniformAt(seed, kCentre, i * 3 + valley);
        const double floor = valley == 0 ? 0 : 0.1 + 0.5 * UniformAt(seed, kHeight, i * 3 + valley);
        const double slope = 2 + 4 * UniformAt(seed, kWidth, i * 3 + valley);
        lowest = std::min(lowest, floor + slope * std::abs(x[i] - at));
      }
      sum += lowest;
    }
    return sum;
  });
}

// A bowl, and in each parameter teeth of irregular heights: lines between a value for each of the
// 24 ends of teeth. The least teeth stand at the bowl's middle.
Problem Combs(std::uint64_t seed, std::size_t dimensions) {
  constexpr double kTeeth = 24;
  const Vector centre = CentreOf(seed, dimensions, 0.1, 0.9);
  return RealProblem(dimensions, 0, 1, [=](const Vector& x) {
    double sum = 0;
    for (std::size_t i = 0; i < dimensions; ++i) {
      const double away = x[i] - centre[i];
      const double end = std::floor(away * kTeeth);
      const auto height = [&](double at) {
        const auto index = static_cast<std::uint64_t>(at + 2 * kTeeth);
        return at == 0 ? 0 : 0.2 + UniformAt(seed, kHeight, i * 100 + index);
      };
      const double between = away * kTeeth - end;
      sum += 4 * away * away + 0.5 * ((1 - between) * height(end) + between * height(end + 1));
    }
    return sum;
  });
}

// A curved ditch: each parameter's best place is a wave of the one before.
Problem Ditch(std::uint64_t seed, std::size_t dimensions) {
  return RealProblem(dimensions, 0, 1, [=](const Vector& x) {
    const double first = 0.2 + 0.6 * UniformAt(seed, kCentre, 0);
    double sum = std::abs(x[0] - first);
    for (std::size_t i = 1; i < dimensions; ++i) {
      const double phase = 6 * UniformAt(seed, kCentre, i);
      const double wanted = 0.5 + 0.3 * std::sin(5 * x[i - 1] + phase);
      sum += 20 * (x[i] - wanted) * (x[i] - wanted);
    }
    return sum;
  });
}

Parameter Values(const std::string& name, std::vector<Json> values) {
  Parameter parameter;
  parameter.path = {name};
  parameter.distribution = Distribution::kCategorical;
  parameter.values = std::move(values);
  return parameter;
}

Parameter Range(const std::string& name, Distribution distribution, double low, double high,
                double q = 1) {
  Parameter parameter;
  parameter.path = {name};
  parameter.distribution = distribution;
  parameter.min = low;
  parameter.max = high;
  parameter.q = q;
  return parameter;
}

// Like the training of a network: rate, width, depth, dropout, batch, activation, optimizer. Each
// choice has an effect of its own and moves the best place of the numbers.
Problem Training(std::uint64_t seed, std::size_t) {
  Problem problem;
  problem.space = {
      Range("rate", Distribution::kLogUniformValues, 1e-5, 1),
      Range("width", Distribution::kIntUniform, 4, 128),
      Range("depth", Distribution::kIntUniform, 1, 6),
      Range("dropout", Distribution::kQUniform, 0, 0.8, 0.1),
      Values("batch", {16, 32, 64, 128, 256}),
      Values("activation", {"relu", "tanh", "gelu", "sigmoid"}),
      Values("optimizer", {"sgd", "adam", "lamb"}),
  };
  problem.values = [seed](const Configuration& point) {
    const auto at = [&point](const char* name) { return point.at(name).get<double>(); };
    const auto level = [&point](const char* name, const char* first, const char* second,
                                const char* third) {
      const std::string value = point.at(name);
      return value == first ? 0U : value == second ? 1U : value == third ? 2U : 3U;
    };
    const std::uint64_t activation = level("activation", "relu", "tanh", "gelu");
    const std::uint64_t optimizer = level("optimizer", "sgd", "adam", "lamb");
    const double best_rate =
        -3.5 + 1.5 * UniformAt(seed, kCentre, optimizer) + 0.2 * std::log2(at("batch") / 64);
    const double best_depth = 1.5 + 4 * UniformAt(seed, kCentre, 10 + activation);
    const double best_width = 2.5 + 1.8 * UniformAt(seed, kCentre, 20);
    const double best_dropout = 0.6 * UniformAt(seed, kCentre, 21) * std::log(at("width")) / 4;
    return Vector{0.4 * std::pow(std::log10(at("rate")) - best_rate, 2) +
                  0.1 * std::abs(at("depth") - best_depth) +
                  0.2 * std::pow(std::log(at("width")) - best_width, 2) +
                  1.0 * std::pow(at("dropout") - best_dropout, 2) +
                  0.3 * UniformAt(seed, kEffect, activation) +
                  0.4 * UniformAt(seed, kEffect, 10 + optimizer) +
                  0.2 * UniformAt(seed, kEffect, 20 + activation * 4 + optimizer)};
  };
  return problem;
}

// Eight choices of four: effects of each and of pairs; nothing to learn from distance.
Problem Choices(std::uint64_t seed, std::size_t dimensions) {
  Problem problem;
  for (std::size_t i = 0; i < dimensions; ++i) {
    problem.space.push_back(Values("c" + std::to_string(i), {"a", "b", "c", "d"}));
  }
  problem.values = [=](const Configuration& point) {
    double sum = 0;
    std::uint64_t before = 0;
    for (std::size_t i = 0; i < dimensions; ++i) {
      const std::string value = point.at("c" + std::to_string(i));
      const auto level = static_cast<std::uint64_t>(value.front() - 'a');
      sum += UniformAt(seed, kEffect, i * 4 + level);
      sum += 0.7 * UniformAt(seed, kWeight, (i * 4 + before) * 4 + level);
      before = level;
    }
    return Vector{sum};
  };
  return problem;
}

// Levels in order: coarse integers about a rotated bowl.
Problem Steps(std::uint64_t seed, std::size_t dimensions) {
  Problem problem;
  for (std::size_t i = 0; i < dimensions; ++i) {
    problem.space.push_back(
        Range("n" + std::to_string(i), Distribution::kIntUniform, 0, i % 2 == 0 ? 9 : 30));
  }
  const Problem bowl = Ellipsoid(seed, dimensions);
  problem.values = [bowl, space = problem.space](const Configuration& point) {
    Configuration shares;
    for (std::size_t i = 0; i < space.size(); ++i) {
      shares[bowl.space[i].Name()] = point.at(space[i].Name()).get<double>() / space[i].max;
    }
    return bowl.values(shares);
  };
  return problem;
}

NamedProblem Family(const std::string& name, std::size_t dimensions,
                    Problem (*make)(std::uint64_t, std::size_t)) {
  return {name, [=](std::uint64_t seed) { return make(seed + 1000, dimensions); }};
}

}  // namespace

std::vector<NamedProblem> TuningProblems() {
  return {
      Family("ellipsoid-3d", 3, Ellipsoid), Family("ellipsoid-8d", 8, Ellipsoid),
      Family("griewank-4d", 4, Griewank),   Family("griewank-9d", 9, Griewank),
      Family("valleys-6d", 6, Valleys),     Family("kinks-6d", 6, Kinks),
      Family("hills-4d", 4, Hills),         Family("ditch-5d", 5, Ditch),
      Family("dents-5d", 5, Dents),         Family("dents-10d", 10, Dents),
      Family("combs-5d", 5, Combs),         Family("combs-10d", 10, Combs),
      Family("funnel-5d", 5, Funnel),       Family("funnel-10d", 10, Funnel),
      Family("training-7d", 7, Training),   Family("choices-8d", 8, Choices),
      Family("steps-6d", 6, Steps),
  };
}

}  // namespace ddl::bench
