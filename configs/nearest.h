// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ddl {

// The candidate that differs from `word` by the fewest insertions, deletions, changes and swaps of
// neighbours; "" when none is near enough to be meant.
[[nodiscard]] std::string NearestName(std::string_view word,
                                      std::span<const std::string_view> candidates);

}  // namespace ddl
