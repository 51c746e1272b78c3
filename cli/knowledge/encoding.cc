// SPDX-License-Identifier: Apache-2.0
// Configurations as rows of numbers.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "cli/knowledge/importances.h"
#include "scheduler/search/domain.h"

namespace ddl {

namespace {

bool HasAxis(const Parameter& parameter) {
  return Varies(parameter) && parameter.expr.empty() && !parameter.zipped_to;
}

// Ordered: rows without the parameter stand below 0, on as much of the axis as their share is.
Axis OrderedAxis(const Domain& domain, std::size_t dimension, double absent,
                 std::vector<double>& column) {
  const Dimension& d = domain.Dimensions()[dimension];
  const Distribution distribution = domain.ParameterOf(dimension).distribution;
  const bool is_even = distribution == Distribution::kCategorical ||
                       distribution == Distribution::kIntUniform ||
                       distribution == Distribution::kQUniform;
  Axis axis{.levels = d.is_stepped && is_even ? d.levels : 0, .is_conditional = absent > 0};
  if (absent == 0) return axis;
  axis.low = -absent / (1 - absent);
  for (double& at : column) {
    if (std::isnan(at)) at = axis.low / 2;
  }
  return axis;
}

// Of more categories than an axis takes, those that the fewest rows have are taken together.
std::vector<std::size_t> PlacesOf(std::size_t categories, std::size_t most,
                                  const std::vector<double>& column) {
  std::vector<std::size_t> counts(categories);
  for (const double at : column) {
    if (!std::isnan(at)) ++counts[static_cast<std::size_t>(at)];
  }
  std::vector<std::size_t> by_count(categories);
  std::iota(by_count.begin(), by_count.end(), std::size_t{0});
  if (categories > most) {
    std::ranges::stable_sort(by_count, std::greater<>(),
                             [&counts](std::size_t category) { return counts[category]; });
  }
  std::vector<std::size_t> places(categories);
  for (std::size_t i = 0; i < categories; ++i) {
    places[by_count[i]] = std::min(i, most - 1);
  }
  return places;
}

// Rows without the parameter are a category of their own, the last one.
Axis CategoricalAxis(const Parameter& parameter, double absent, std::vector<double>& column) {
  const std::size_t most = absent > 0 ? kMostCategories - 1 : kMostCategories;
  const std::size_t categories = parameter.values.size();
  const std::vector<std::size_t> places = PlacesOf(categories, most, column);
  Axis axis{.categories = std::vector<double>(std::min(categories, most)),
            .is_conditional = absent > 0};
  for (std::size_t category = 0; category < categories; ++category) {
    const double share = parameter.probabilities.empty() ? 1.0 / static_cast<double>(categories)
                                                         : parameter.probabilities[category];
    axis.categories[places[category]] += share * (1 - absent);
  }
  const auto last = static_cast<double>(axis.categories.size());
  if (absent > 0) axis.categories.push_back(absent);
  for (double& at : column) {
    at = std::isnan(at) ? last : static_cast<double>(places[static_cast<std::size_t>(at)]);
  }
  return axis;
}

}  // namespace

bool Varies(const Parameter& parameter) {
  if (parameter.distribution == Distribution::kConstant) return false;
  if (parameter.distribution == Distribution::kCategorical) return parameter.values.size() > 1;
  const bool bounded = parameter.distribution == Distribution::kIntUniform ||
                       parameter.distribution == Distribution::kUniform ||
                       parameter.distribution == Distribution::kQUniform;
  return !bounded || parameter.min < parameter.max;
}

EncodedSpace EncodeConfigurations(const Space& space, bool maximize,
                                  const std::vector<ConfigurationValue>& all) {
  const Domain domain(space);
  std::vector<std::vector<double>> columns(domain.Dimensions().size());
  EncodedSpace encoded;
  for (const ConfigurationValue& one : all) {
    const Point point = domain.Encode(one.configuration);
    for (std::size_t d = 0; d < columns.size(); ++d) {
      columns[d].push_back(point[d]);
    }
    encoded.rows.values.push_back(maximize ? -one.value : one.value);
  }
  for (std::size_t d = 0; d < columns.size(); ++d) {
    if (!HasAxis(domain.ParameterOf(d))) continue;
    std::vector<double>& column = columns[d];
    const auto missing = std::ranges::count_if(column, [](double at) { return std::isnan(at); });
    if (missing == std::ssize(column) && !column.empty()) continue;
    const double absent =
        column.empty() ? 0 : static_cast<double>(missing) / static_cast<double>(column.size());
    encoded.parameters.push_back(domain.Dimensions()[d].parameter);
    encoded.rows.axes.push_back(domain.Dimensions()[d].is_categorical
                                    ? CategoricalAxis(domain.ParameterOf(d), absent, column)
                                    : OrderedAxis(domain, d, absent, column));
    encoded.rows.columns.push_back(std::move(column));
  }
  return encoded;
}

}  // namespace ddl
