// SPDX-License-Identifier: Apache-2.0
// An order in which everything comes after what it needs.
#pragma once

#include <cstddef>
#include <vector>

namespace ddl {

struct DependencyOrder {
  std::vector<std::size_t> order;  // all of them; by their numbers as far as their needs allow
  std::vector<std::size_t> cycle;  // not empty: `order` is not whole. Each needs the next, the
                                   // last the first
};

// `needs[i]`: what i needs; may name one several times.
[[nodiscard]] DependencyOrder OrderByNeeds(const std::vector<std::vector<std::size_t>>& needs);

}  // namespace ddl
