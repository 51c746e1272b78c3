// SPDX-License-Identifier: Apache-2.0
// The names by which an attempt's processes are recognised.
#pragma once

#include <cstdint>
#include <string>

#include "configs/ids.h"

namespace ddl {

// The token of a job: 128 bits in hex, a pure function of the seed and the job, so a replay of the
// same events gives the same tokens. Different jobs of one seed never share one.
[[nodiscard]] std::string TokenOf(std::uint64_t seed_high, std::uint64_t seed_low, JobId job);

}  // namespace ddl
