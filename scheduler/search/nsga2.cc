// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/nsga2.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "scheduler/search/counter_draws.h"
#include "scheduler/search/domain.h"
#include "scheduler/search/population.h"

namespace ddl {

namespace {

constexpr std::int64_t kMostMembers = 50;
constexpr std::int64_t kFewestMembers = 20;
constexpr double kCrossing = 0.9;      // chance that a child has two parents
constexpr double kCrossingIndex = 10;  // of simulated binary crossover: higher stays closer
constexpr double kMutationIndex = 20;  // of polynomial mutation
constexpr double kAnywhere = 0.5;      // of mutations: to any value instead
constexpr int kTries = 100;            // children, then random points, that may be forbidden

// Deb and Agrawal, "Simulated binary crossover for continuous search space" (1995): one of the two
// children, who lie about the parents as far apart as these are.
double Crossed(double a, double b, CounterDraws& draws) {
  const double u = draws.Uniform();
  const double power = 1 / (kCrossingIndex + 1);
  const double spread = u < 0.5 ? std::pow(2 * u, power) : std::pow(1 / (2 * (1 - u)), power);
  const double sign = draws.Uniform() < 0.5 ? 1 : -1;
  return std::clamp(((a + b) + sign * spread * (a - b)) / 2, 0.0, 1.0);
}

// Deb and Goyal, "A combined genetic adaptive search" (1996), with steps that reach a bound and
// none beyond.
double Mutated(double x, CounterDraws& draws) {
  const double u = draws.Uniform();
  const double power = 1 / (kMutationIndex + 1);
  const double below = std::pow(1 - x, kMutationIndex + 1);
  const double above = std::pow(x, kMutationIndex + 1);
  const double step = u < 0.5 ? std::pow(2 * u + (1 - 2 * u) * below, power) - 1
                              : 1 - std::pow(2 * (1 - u) + (2 * u - 1) * above, power);
  return std::clamp(x + step, 0.0, 1.0);
}

class Nsga2Search : public AdaptiveSearch {
 public:
  explicit Nsga2Search(SearchProblem problem)
      : problem_(std::move(problem)),
        domain_(problem_.space),
        members_(problem_.budget > 0
                     ? std::clamp(problem_.budget / 10, kFewestMembers, kMostMembers)
                     : kMostMembers),
        population_(static_cast<std::size_t>(members_)) {}

  std::optional<Configuration> Propose(std::int64_t number) override {
    const bool is_start = std::ssize(population_.Members()) < members_ && number < 2 * members_;
    for (int i = 0; i < 2 * kTries; ++i) {
      CounterDraws draws(problem_.seed, static_cast<std::uint64_t>(number),
                         static_cast<std::uint64_t>(i));
      const bool is_random = is_start || i >= kTries || population_.Members().empty();
      Configuration configuration = domain_.Decode(is_random ? Anywhere(draws) : Child(draws));
      if (problem_.is_allowed(configuration)) return configuration;
    }
    return std::nullopt;
  }

  void Take(std::int64_t, const Configuration& configuration) override {
    points_.push_back(domain_.Encode(configuration));
  }
  void Tell(std::int64_t number, const Outcome& outcome) override {
    population_.Tell(number, points_.at(static_cast<std::size_t>(number)), outcome);
  }

 private:
  [[nodiscard]] double AnywhereIn(std::size_t dimension, CounterDraws& draws) const {
    const double share = draws.Uniform();
    const bool is_categorical = domain_.Dimensions()[dimension].is_categorical;
    return is_categorical ? domain_.CategoryAt(dimension, share) : share;
  }

  [[nodiscard]] Point Anywhere(CounterDraws& draws) const {
    Point point(domain_.Dimensions().size());
    for (std::size_t i = 0; i < point.size(); ++i) {
      point[i] = AnywhereIn(i, draws);
    }
    return point;
  }

  // The better of two.
  [[nodiscard]] const Point& Parent(CounterDraws& draws) const {
    const auto& members = population_.Members();
    const std::int64_t one = draws.Below(std::ssize(members));
    const std::int64_t other = draws.Below(std::ssize(members));
    return members[static_cast<std::size_t>(std::min(one, other))].point;
  }

  [[nodiscard]] Point Child(CounterDraws& draws) const {
    Point child = Parent(draws);
    const bool is_crossed = draws.Uniform() < kCrossing;
    const Point& other = Parent(draws);
    bool has_changed = false;
    for (std::size_t i = 0; i < child.size(); ++i) {
      const double before = child[i];
      child[i] = std::isnan(before) || std::isnan(other[i]) ? Whichever(i, before, other[i], draws)
                 : is_crossed                               ? Mixed(i, before, other[i], draws)
                                                            : before;
      if (draws.Uniform() * static_cast<double>(child.size()) < 1) {
        child[i] = Changed(i, child[i], draws);
      }
      if (!domain_.MayDraw(i, child[i])) child[i] = AnywhereIn(i, draws);
      has_changed = has_changed || child[i] != before;
    }
    if (!has_changed && !child.empty()) {
      const auto any = static_cast<std::size_t>(draws.Below(std::ssize(child)));
      child[any] = Changed(any, child[any], draws);
    }
    return child;
  }

  // Of a parameter that not both parents have.
  [[nodiscard]] double Whichever(std::size_t i, double a, double b, CounterDraws& draws) const {
    if (!std::isnan(a)) return a;
    return std::isnan(b) ? AnywhereIn(i, draws) : b;
  }

  [[nodiscard]] double Mixed(std::size_t i, double a, double b, CounterDraws& draws) const {
    if (draws.Uniform() < 0.5) return a;
    if (domain_.Dimensions()[i].is_categorical) return b;
    return Crossed(a, b, draws);
  }

  // A step of an ordered parameter is at least one cell.
  [[nodiscard]] double Changed(std::size_t i, double at, CounterDraws& draws) const {
    const Dimension& dimension = domain_.Dimensions()[i];
    if (dimension.is_categorical) return AnywhereIn(i, draws);
    const bool is_anywhere = draws.Uniform() < kAnywhere;
    const double moved = is_anywhere ? draws.Uniform() : Mutated(at, draws);
    if (!dimension.is_stepped) return moved;
    const auto [low, high] = domain_.Cell(i, at);
    if (moved < low || moved > high) return moved;
    const double beyond = 1e-9;
    const bool goes_down = low > 0 && (high >= 1 || draws.Uniform() < 0.5);
    return goes_down ? low - beyond : std::min(high + beyond, 1.0);
  }

  SearchProblem problem_;
  Domain domain_;
  std::int64_t members_;
  Population population_;
  std::vector<Point> points_;  // by number
};

}  // namespace

std::unique_ptr<AdaptiveSearch> MakeNsga2(SearchProblem problem) {
  return std::make_unique<Nsga2Search>(std::move(problem));
}

}  // namespace ddl
