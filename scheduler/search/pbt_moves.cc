// SPDX-License-Identifier: Apache-2.0
#include "scheduler/search/pbt_moves.h"

#include <algorithm>
#include <cmath>

namespace ddl {

namespace {

double DrawnAnew(const Domain& domain, std::size_t i, CounterDraws& draws) {
  const double share = draws.Uniform();
  return domain.Dimensions()[i].is_categorical ? domain.CategoryAt(i, share) : share;
}

// A step up or down within [0, 1], the other way from an end.
double Stepped(const Domain& domain, std::size_t i, double coordinate, bool is_up) {
  const auto [low, high] = domain.Cell(i, coordinate);
  const bool goes_up = is_up ? high < 1 : low <= 0;
  constexpr double kInto = 1e-9;
  return domain.Snap(i, std::clamp(goes_up ? high + kInto : low - kInto, 0.0, 1.0));
}

// The coordinate of the parameter's value times a factor.
double Scaled(const Domain& domain, std::size_t i, const Configuration& from, double coordinate,
              double factor) {
  const std::string name = domain.ParameterOf(i).Name();
  const double value = from.at(name).get<double>();
  Configuration moved = from;
  moved[name] = value * factor;
  const double scaled = domain.Encode(moved)[i];
  if (!std::isnan(scaled)) return scaled;
  return factor < 1 ? 0 : coordinate;  // below what the distribution has
}

double Moved(const Domain& domain, std::size_t i, const Configuration& from, double coordinate,
             const PbtSettings& settings, CounterDraws& draws) {
  const auto place = draws.Below(std::ssize(settings.factors));
  const double factor = settings.factors[static_cast<std::size_t>(place)];
  const Dimension& dimension = domain.Dimensions()[i];
  if (dimension.is_categorical) return coordinate;
  const bool is_list = domain.ParameterOf(i).distribution == Distribution::kCategorical;
  if (is_list) return Stepped(domain, i, coordinate, draws.Uniform() < 0.5);
  const double scaled = Scaled(domain, i, from, coordinate, factor);
  const auto [low, high] = domain.Cell(i, coordinate);
  const bool stays = dimension.is_stepped && scaled >= low && scaled <= high;
  if (!stays || factor == 1) return scaled;
  return Stepped(domain, i, coordinate,
                 scaled > coordinate || (factor > 1 && scaled == coordinate));
}

}  // namespace

Configuration Explore(const Domain& domain, const Configuration& from, const PbtSettings& settings,
                      CounterDraws& draws) {
  Point point = domain.Encode(from);
  for (std::size_t i = 0; i < point.size(); ++i) {
    // The same number of draws whatever comes of them: others of the point stay what they are.
    const double drawn = DrawnAnew(domain, i, draws);
    const bool is_drawn = draws.Uniform() < settings.resample_probability || std::isnan(point[i]);
    point[i] = is_drawn ? drawn : Moved(domain, i, from, point[i], settings, draws);
  }
  return domain.Decode(point);
}

}  // namespace ddl
