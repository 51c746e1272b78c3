// SPDX-License-Identifier: Apache-2.0
// Rows drawn evenly from the unit cube.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/knowledge/forest.h"
#include "configs/mix.h"

namespace ddl::test {

// Values are all 0.
inline Observations Drawn(std::size_t axes, std::size_t rows, std::uint64_t seed) {
  Observations drawn;
  drawn.axes.resize(axes);
  drawn.values.resize(rows);
  std::uint64_t key = Mix(seed);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    drawn.columns.emplace_back();
    for (std::size_t row = 0; row < rows; ++row)
      drawn.columns.back().push_back(static_cast<double>(Mix(key += 0x9e3779b97f4a7c15U) >> 11U) *
                                     0x1p-53);
  }
  return drawn;
}

inline std::vector<double> RowOf(const Observations& rows, std::size_t row) {
  std::vector<double> coordinates;
  for (const std::vector<double>& column : rows.columns)
    coordinates.push_back(column[row]);
  return coordinates;
}

template <class Function>
void SetValues(Observations& rows, const Function& function) {
  for (std::size_t row = 0; row < rows.values.size(); ++row)
    rows.values[row] = function(RowOf(rows, row));
}

}  // namespace ddl::test
