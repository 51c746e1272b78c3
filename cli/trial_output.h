// SPDX-License-Identifier: Apache-2.0
// What a trial wrote, from its job's folder: the kept head, and the kept tail where there was more.
#pragma once

#include <cstdint>
#include <string>

#include "runner/kept_log.h"
#include "store/reader.h"

namespace ddl {

// The last `limit` bytes of what was kept (0: all), with a line where the middle is missing.
[[nodiscard]] std::string ReadTrialOutput(const AttemptLine& attempt, std::int64_t limit);

// The same of what was read from wherever it lies.
[[nodiscard]] std::string JoinTrialOutput(const KeptLog& kept, const AttemptLine& attempt,
                                          std::int64_t limit);

// "" while the job's folder is there, or when it cannot be yet; else "removed by ddl gc", or that
// somebody else did.
[[nodiscard]] std::string WhyFolderIsGone(const AttemptLine& attempt);

// The last `lines` lines (0: all).
[[nodiscard]] std::string LastLines(const std::string& text, std::int64_t lines);

}  // namespace ddl
