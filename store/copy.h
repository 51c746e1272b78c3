// SPDX-License-Identifier: Apache-2.0
// Copies of the database that may be restored.
#pragma once

#include <string>

#include "store/sqlite.h"

namespace ddl {

// A verified copy at `target`, there whole or not at all, whatever is killed or loses power. Reads
// only, so it may be made beside a running coordinator. Throws Error.
void CopyDatabase(const Connection& connection, const std::string& target);
// The same of the database in `folder`. Throws Error when there is none.
void CopyStore(const std::string& folder, const std::string& target);

}  // namespace ddl
