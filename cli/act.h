// SPDX-License-Identifier: Apache-2.0
// An act of the user on a store: said to its coordinator, or done here when there is none.
#pragma once

#include <string>

#include "scheduler/control_words.h"

namespace ddl {

// Throws Error where a coordinator holds the store and does not answer.
[[nodiscard]] Answer PerformAct(const std::string& store_folder, const ActWord& word);

}  // namespace ddl
