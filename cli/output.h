// SPDX-License-Identifier: Apache-2.0
// The way out of a command: standard output, and files that are there whole or not at all.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "configs/json.h"

namespace ddl {

// To standard output. A reader that has gone away (`| head`) is no error.
void PrintText(std::string_view text);
// False once whoever read standard output has gone; a file and a terminal are there.
[[nodiscard]] bool IsOutputRead();
// What does not go out is dropped: for words beside the work, whose loss must not end it.
void WriteOrDrop(int fd, std::string_view text);
// The same to standard error.
void PrintAside(std::string_view text);
void PrintLines(std::span<const std::string> lines);
// Indented, with a line end: the form of every --json.
void PrintJson(const Json& value);

// Writes aside, syncs and renames; "-" is standard output. Throws Error when it cannot.
void WriteFileWhole(const std::string& path, std::string_view text);

}  // namespace ddl
