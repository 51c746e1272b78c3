// SPDX-License-Identifier: Apache-2.0
// One attempt of a trial in words.
#pragma once

#include <string>
#include <string_view>

#include "configs/json.h"
#include "store/reader.h"

namespace ddl {

// "exit 1", "signal 9 (KILL)", "out of memory", "starting", "running", …
[[nodiscard]] std::string AttemptStateText(const AttemptLine& attempt);
// "core 3", "cores 0-3", "0.25 of core 1", "gpu 0"; "" when nothing is known.
[[nodiscard]] std::string SlotsText(std::string_view slots_json);
// The word as a shell takes it for one word, in quotes where it needs them.
[[nodiscard]] std::string ShellWord(const std::string& word);
// An argument vector as a command line to paste into a shell; the text itself when it is no JSON
// list.
[[nodiscard]] std::string CommandLine(std::string_view argv_json);

}  // namespace ddl
