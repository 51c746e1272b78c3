// SPDX-License-Identifier: Apache-2.0
// The configurations that no other dominates, as they come.
#pragma once

#include <cstdint>
#include <map>

#include "scheduler/search/pareto.h"

namespace ddl {

class GrowingFront {
 public:
  // `values`: lower is better. Of a configuration that came before, after a retry, the last count.
  // Costs as much as the front is large.
  void Put(std::int64_t configuration, Objectives values);

  // By configuration; equal ones are all there.
  [[nodiscard]] const std::map<std::int64_t, Objectives>& Members() const { return front_; }
  // Of at least one member.
  [[nodiscard]] double Least(std::size_t objective) const;

 private:
  void AddToFront(std::int64_t configuration, const Objectives& values);

  std::map<std::int64_t, Objectives> all_;
  std::map<std::int64_t, Objectives> front_;
};

}  // namespace ddl
