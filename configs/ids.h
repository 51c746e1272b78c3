// SPDX-License-Identifier: Apache-2.0
// Distinct types for numbers that must not be mixed up.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ddl {

// 0 is "none"; the coordinator gives out 1, 2, 3, …
template <class Tag>
struct Id {
  std::int64_t value = 0;
  auto operator<=>(const Id&) const = default;
  explicit operator bool() const { return value != 0; }
};

using SweepId = Id<struct SweepTag>;
using TrialId = Id<struct TrialTag>;  // unique in a store; users type its number within the sweep
using JobId = Id<struct JobTag>;

// One process of a job.
struct RankId {
  JobId job;
  int rank = 0;
  auto operator<=>(const RankId&) const = default;
};

}  // namespace ddl

template <class Tag>
struct std::hash<ddl::Id<Tag>> {
  std::size_t operator()(const ddl::Id<Tag>& id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
