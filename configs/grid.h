// SPDX-License-Identifier: Apache-2.0
// The grid of a space with conditions, derived values, zipped lists and constraints: each
// configuration that is allowed, exactly once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/conditions.h"
#include "configs/space.h"

namespace ddl {

// Parameters that an expression ties to each other are gone through together, once, when the grid
// is made; that takes some 0.1 s at most. All others multiply. The parameters vary in the order of
// the space, the last one fastest; tied ones vary together, at the place of the first of them.
class Grid {
 public:
  // Parameters of a grid: constants, lists, int_uniform and q_uniform. `constraints` as Conditions
  // has them; so are the errors.
  explicit Grid(const Space& space, const std::vector<std::string>& constraints = {});

  // Nothing when it is beyond 2^62. 0 where it IsTooTied().
  [[nodiscard]] std::optional<std::int64_t> Size() const;
  // Complete (configs/conditions.h); 0 <= index < Size().
  [[nodiscard]] Configuration Point(std::int64_t index) const;
  // The other way, of a complete configuration; nothing where the grid has it not.
  [[nodiscard]] std::optional<std::int64_t> IndexOf(const Configuration& complete) const;

  // The names of parameters that have more combinations together than can be gone through.
  [[nodiscard]] const std::vector<std::string>& TooTied() const { return too_tied_; }
  // The first expression that had no result somewhere, and the values there; those points are left
  // out.
  struct Fault {
    Objection objection;
    Configuration at;
  };
  [[nodiscard]] const std::optional<Fault>& FirstFault() const { return fault_; }

 private:
  struct Factor {
    std::vector<std::size_t> parameters;  // in the order in which they are gone through
    bool is_free = true;                  // one parameter, each of its values
    std::int64_t size = 1;
    std::vector<std::int32_t> steps{};  // not free: a row of steps a point, kNoStep: inactive
  };
  class Walk;

  [[nodiscard]] std::vector<Factor> FactorsOf() const;
  [[nodiscard]] std::optional<std::int64_t> RowOf(const Factor& factor,
                                                  const std::vector<std::int32_t>& steps) const;

  Space space_;
  Conditions conditions_;
  std::vector<Factor> factors_;
  std::vector<std::string> too_tied_;
  std::optional<Fault> fault_;
};

}  // namespace ddl
