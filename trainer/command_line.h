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

// What it is to do. All but the last four take a configuration.
enum class TrainerRole : std::uint8_t {
  kTrain,
  kExplain,      // --explain: say the plan, train nothing
  kCheck,        // --check: judge the configuration alone
  kCheckFiles,   // --check-files: and look whether the data are there
  kPrepare,      // --prepare: prepare data; the "configuration" is a list of them
  kDataInfo,     // --data info: of the configuration's data
  kDataCheck,    // --data check
  kDataPack,     // --data pack --out FILE
  kFingerprint,  // --fingerprint FOLDER: tell its newest checkpoint
  kProbe,        // --probe: measure the machine
  kGpus,         // --gpus: tell the GPUs that libddl_cuda can use
  kLanes,        // --lanes [COUNT]: serve as a worker
  kHelp,
};

struct TrainerCommand {
  Json config;  // the file, then --params or DDL_PARAMS laid over it, then --set
  std::optional<std::filesystem::path> checkpoint_folder;  // DDL_CHECKPOINT_DIR
  // For results: DDL_OUTPUT_DIR, else beside the checkpoints.
  std::optional<std::filesystem::path> output_folder;
  std::optional<std::uint64_t> until;  // DDL_UNTIL: epochs after which another trial goes on
  TrainerRole role = TrainerRole::kTrain;
  std::string folder;      // of kFingerprint
  std::string out_file;    // of kDataPack
  std::size_t lanes = 64;  // of kLanes: trials at once at most
};

// The value of an environment variable, or null.
using Environment = std::function<const char*(const char* name)>;

// `arguments` without the program's name. Throws Error for a wrong call or an unreadable file.
[[nodiscard]] TrainerCommand ReadCommand(std::span<const char* const> arguments,
                                         const Environment& environment);

[[nodiscard]] std::string HelpText();

}  // namespace ddl
