// SPDX-License-Identifier: Apache-2.0
// The parameter space of a sweep as plain values. Which points are tried is a search's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/json.h"

namespace ddl {

// The distributions of the W&B sweep schema, by its names. log_uniform takes natural-log exponents
// as bounds, log_uniform_values the values themselves; a q_ form rounds to a multiple of q.
enum class Distribution : std::uint8_t {
  kConstant,
  kCategorical,  // values, with probabilities where given
  kIntUniform,
  kUniform,
  kQUniform,
  kLogUniform,
  kLogUniformValues,
  kQLogUniform,
  kQLogUniformValues,
  kInvLogUniform,
  kInvLogUniformValues,
  kNormal,
  kQNormal,
  kLogNormal,
  kQLogNormal,
  kBeta,
  kQBeta,
};

struct Parameter {
  std::vector<std::string>
      path;  // {"optimizer", "lr"} for nested parameters, {"lr"} for plain ones
  Distribution distribution = Distribution::kConstant;
  std::vector<Json> values;           // kConstant: one; kCategorical: all
  std::vector<double> probabilities;  // as many as values, sum 1; empty: equal
  double min = 0;                     // bounds as the distribution reads them
  double max = 1;
  double mu = 0;  // kNormal and its kin
  double sigma = 1;
  double q = 1;
  double a = 1;  // kBeta, kQBeta
  double b = 1;
  // Expressions (configs/expression.h). It is part of a configuration only where all of them hold.
  std::vector<std::string> when;
  // An expression; not empty: the value is derived from the others, and `values` is one null.
  std::string expr;
  // kCategorical: whether the values have an order, as they are written. Nothing: rising or falling
  // numbers have.
  std::optional<bool> ordinal;
  // kCategorical: index in the space of the parameter, an earlier one that is itself not zipped,
  // whose place in its list this one takes too. Their lists are equally long.
  std::optional<std::size_t> zipped_to;

  [[nodiscard]] std::string Name() const;  // the path joined by dots
};

// Parameters in the order of the spec; this order is that of grids, tables and columns.
using Space = std::vector<Parameter>;

// A point of the space: one value a parameter, by its dotted name. A complete one lacks what is
// inactive there and has what is derived (configs/conditions.h).
using Configuration = Json;

}  // namespace ddl
