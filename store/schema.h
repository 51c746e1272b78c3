// SPDX-License-Identifier: Apache-2.0
// The database's tables, as numbered migrations: docs/database.md tells what they mean.
#pragma once

#include "store/sqlite.h"

namespace ddl {

inline constexpr int kApplicationId = 0x64646c31;  // "ddl1"
inline constexpr int kSchemaVersion = 5;

// Throws Error when the file is no database of ddl, or of a newer one. Changes nothing.
void CheckSchema(const Connection& connection, const std::string& path);

// Makes a new file's tables, or brings an older file's to this version, in one transaction.
void Migrate(const Connection& connection);

}  // namespace ddl
