// SPDX-License-Identifier: Apache-2.0
#include "trainer/command_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/config.h"

namespace ddl {

namespace {

constexpr std::string_view kUsage =
    "ddl-trainer CONFIG.json [--params PARAMS.json] [--set key=value ...]\n"
    "                   [--explain | --check | --check-files]\n"
    "       ddl-trainer CONFIG.json [--params ...] [--set ...] --data info|check|pack [--out "
    "FILE]\n"
    "       ddl-trainer --prepare DATA.json\n"
    "       ddl-trainer --fingerprint FOLDER\n"
    "       ddl-trainer --probe\n"
    "       ddl-trainer --gpus\n"
    "       ddl-trainer --lanes [COUNT]";

struct Arguments {
  std::string config_path;
  std::string params_path;
  std::vector<std::string> settings;
};

Error WrongCall(std::string_view what) {
  return {what, "", fmt::format("usage: {}", kUsage)};
}

Json ReadJsonFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw SystemError("cannot read", path, "check the name");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return ParseJson(text, path);
}

std::uint64_t ReadCount(std::string_view text, std::string_view what) {
  std::uint64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem == std::errc() && end == text.data() + text.size() && count > 0) return count;
  throw WrongCall(fmt::format("{}: {}", what, text));
}

// What is no JSON is a text.
Json ValueOf(const std::string& text, const std::string& setting) {
  try {
    return ParseJson(text, setting);
  } catch (const Error&) {
    return text;
  }
}

// "key=value": lr=0.1, model.hidden=[64], data=blobs.
void ApplySetting(Json& config, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw WrongCall(fmt::format("--set {} is not key=value", setting));
  }
  SetPath(config, std::string_view(setting).substr(0, equals),
          ValueOf(setting.substr(equals + 1), setting));
}

struct RoleWord {
  std::string_view word;
  TrainerRole role;
};

constexpr std::array kRoles{RoleWord{"--explain", TrainerRole::kExplain},
                            RoleWord{"--check", TrainerRole::kCheck},
                            RoleWord{"--check-files", TrainerRole::kCheckFiles},
                            RoleWord{"--prepare", TrainerRole::kPrepare},
                            RoleWord{"--fingerprint", TrainerRole::kFingerprint},
                            RoleWord{"--probe", TrainerRole::kProbe},
                            RoleWord{"--gpus", TrainerRole::kGpus},
                            RoleWord{"--lanes", TrainerRole::kLanes},
                            RoleWord{"--help", TrainerRole::kHelp},
                            RoleWord{"-h", TrainerRole::kHelp}};

constexpr std::array kDataRoles{RoleWord{"info", TrainerRole::kDataInfo},
                                RoleWord{"check", TrainerRole::kDataCheck},
                                RoleWord{"pack", TrainerRole::kDataPack}};

TrainerRole DataRole(std::string_view word) {
  const auto* found = std::ranges::find(kDataRoles, word, &RoleWord::word);
  if (found == kDataRoles.end()) throw WrongCall(fmt::format("--data {}", word));
  return found->role;
}

Arguments SplitArguments(std::span<const char* const> arguments, TrainerCommand& command) {
  Arguments split;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    constexpr std::array<std::string_view, 4> kWithValue{"--params", "--set", "--data", "--out"};
    const bool takes_value = std::ranges::find(kWithValue, argument) != kWithValue.end();
    if (takes_value && i + 1 == arguments.size()) {
      throw WrongCall(fmt::format("{} without a value", argument));
    }
    if (argument == "--params") {
      split.params_path = arguments[++i];
    } else if (argument == "--set") {
      split.settings.emplace_back(arguments[++i]);
    } else if (argument == "--data") {
      command.role = DataRole(arguments[++i]);
    } else if (argument == "--out") {
      command.out_file = arguments[++i];
    } else if (const auto* role = std::ranges::find(kRoles, argument, &RoleWord::word);
               role != kRoles.end()) {
      const bool is_taken = command.role != TrainerRole::kTrain;
      if (is_taken && role->role != TrainerRole::kHelp) {
        throw WrongCall(fmt::format("{} beside another task", argument));
      }
      command.role = role->role;
    } else if (argument.starts_with("-") || !split.config_path.empty()) {
      throw WrongCall(fmt::format("unknown argument {}", argument));
    } else {
      split.config_path = argument;
    }
  }
  return split;
}

}  // namespace

TrainerCommand ReadCommand(std::span<const char* const> arguments, const Environment& environment) {
  TrainerCommand command;
  Arguments split = SplitArguments(arguments, command);
  if (command.role == TrainerRole::kHelp) return command;
  const bool has_path = !split.config_path.empty();
  if (command.role == TrainerRole::kLanes) {
    if (has_path) command.lanes = ReadCount(split.config_path, "no number of lanes");
    return command;
  }
  const bool is_of_machine =
      command.role == TrainerRole::kProbe || command.role == TrainerRole::kGpus;
  if (is_of_machine && has_path) throw WrongCall("--probe and --gpus take no configuration");
  if (is_of_machine) return command;
  if (!has_path) throw WrongCall("no configuration");
  command.folder = split.config_path;
  if (command.role == TrainerRole::kFingerprint) return command;
  command.config = ReadJsonFile(split.config_path);
  if (command.role == TrainerRole::kPrepare) return command;
  if (!command.config.is_object()) {
    throw Error("not a mapping", split.config_path, "write {\"data\": \"fashion-mnist\", ...}");
  }
  if (const char* params = environment("DDL_PARAMS"); params && split.params_path.empty()) {
    split.params_path = params;
  }
  if (!split.params_path.empty()) Override(command.config, ReadJsonFile(split.params_path));
  for (const std::string& setting : split.settings) {
    ApplySetting(command.config, setting);
  }
  if (const char* folder = environment("DDL_CHECKPOINT_DIR"); folder && *folder != '\0') {
    command.checkpoint_folder = folder;
  }
  command.output_folder = command.checkpoint_folder;
  if (const char* folder = environment("DDL_OUTPUT_DIR"); folder && *folder != '\0') {
    command.output_folder = folder;
  }
  if (const char* until = environment("DDL_UNTIL"); until && *until != '\0') {
    command.until = ReadCount(until, "DDL_UNTIL is no number of epochs");
  }
  return command;
}

std::string HelpText() {
  return fmt::format(
      "usage: {}\n\n"
      "Trains one model as CONFIG.json says (the `trainer:` mapping of a spec) and prints one "
      "JSON\n"
      "object an epoch. --params and --set override single keys: --set optimizer.lr=0.1.\n"
      "--explain prints stages, shapes, memory and arithmetic and trains nothing; --check judges\n"
      "the configuration alone, on stdout, without reading data; --check-files also looks whether\n"
      "the files of data are there. --prepare reads the data sets of\n"
      "a list of values of `data` and prints where each lies prepared, and under which name\n"
      "DDL_PREPARED is to have it on a machine without the files. --data tells of the data, "
      "checks\n"
      "them or writes them to one file, and prints JSON. --fingerprint tells the newest\n"
      "checkpoint of a folder. --probe measures for a second what one core reaches, prints it and\n"
      "keeps it in the cache, where trainings find it. --gpus tells the GPUs that libddl_cuda can\n"
      "use, or why there is none. --lanes is for ddl: trials come over a\n"
      "socket on descriptor 3 and run as threads of this process.\n\n"
      "environment: DDL_PARAMS stands for --params; with DDL_CHECKPOINT_DIR checkpoints are kept\n"
      "there and continued from; after DDL_UNTIL epochs it leaves with a checkpoint, for another\n"
      "trial to go on from; DDL_OUTPUT_DIR (else that folder) takes figures.json and, with\n"
      "keep: predictions, predictions.bin; DDL_DATA and DDL_CACHE name folders for data, "
      "DDL_PREPARED\n"
      "one whose prepared data stand for all files. TERM checkpoints and leaves.\n\n"
      "exit: 0 done, 1 the training failed, 2 wrong call, configuration or data, 75 stopped and\n"
      "to be continued, 143 stopped without a checkpoint folder\n",
      kUsage);
}

}  // namespace ddl
