// SPDX-License-Identifier: Apache-2.0
// Every command with its options and what they take: the one table from which completion scripts
// are made, and against which the command line is tested.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ddl {

// What a word on the command line is, for completion.
enum class WordKind : std::uint8_t {
  kNothing,
  kAny,
  kFile,
  kFolder,
  kSweep,
  kTrial,
  kCommand,
  kShell,
  kStoreVerb,
  kDataVerb,
  kHostVerb
};

struct OptionWords {
  std::string_view name;  // "--json", "-j"
  WordKind takes = WordKind::kNothing;
  std::string_view help;  // no quotes, no brackets: it goes into shell scripts
};

struct CommandWords {
  std::string_view name;
  std::string_view help;
  WordKind argument = WordKind::kNothing;
  std::span<const OptionWords> options;  // without those every command takes
};

[[nodiscard]] std::span<const CommandWords> AllCommands();
// --store, --json, --help.
[[nodiscard]] std::span<const OptionWords> CommonOptionWords();

}  // namespace ddl
