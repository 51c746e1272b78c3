// SPDX-License-Identifier: Apache-2.0
// What ddl-trainer was called with: arguments, environment and the configuration they add up to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "configs/json.h"

namespace ddl {

enum class DataVerb : std::uint8_t { kInfo, kCheck, kPack };

struct TrainerCommand {
  Json config;  // the file, then --params or DDL_PARAMS laid over it, then --set
  std::optional<std::filesystem::path> checkpoint_folder;  // DDL_CHECKPOINT_DIR
  // For results: DDL_OUTPUT_DIR, else beside the checkpoints.
  std::optional<std::filesystem::path> output_folder;
  bool is_explain = false;      // --explain: say the plan, train nothing
  bool is_check = false;        // --check: judge the configuration alone
  bool is_probe = false;        // --probe: measure the machine; there is no configuration
  bool is_prepare = false;      // --prepare: prepare data; the "configuration" is a list of them
  bool is_fingerprint = false;  // --fingerprint FOLDER: tell its newest checkpoint
  std::string folder;           // with it
  std::optional<DataVerb> data_verb;  // --data info|check|pack: of the configuration's data
  std::string out_file;               // --out, of a pack
  bool is_lanes = false;              // --lanes: serve as a worker; there is no configuration
  bool is_help = false;
};

// The value of an environment variable, or null.
using Environment = std::function<const char*(const char* name)>;

// `arguments` without the program's name. Throws Error for a wrong call or an unreadable file.
[[nodiscard]] TrainerCommand ReadCommand(std::span<const char* const> arguments,
                                         const Environment& environment);

[[nodiscard]] std::string HelpText();

}  // namespace ddl
