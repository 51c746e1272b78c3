// SPDX-License-Identifier: Apache-2.0
#include "trainer/command_line.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/config.h"

namespace ddl {

namespace {

constexpr std::string_view kUsage =
    "ddl-trainer CONFIG.json [--params PARAMS.json] [--set key=value ...] [--explain | --check]\n"
    "       ddl-trainer CONFIG.json [--params ...] [--set ...] --data info|check|pack [--out "
    "FILE]\n"
    "       ddl-trainer --prepare DATA.json\n"
    "       ddl-trainer --fingerprint FOLDER\n"
    "       ddl-trainer --probe | --lanes";

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

DataVerb DataVerbOf(std::string_view word) {
  constexpr std::array<std::string_view, 3> kVerbs{"info", "check", "pack"};
  const auto* found = std::ranges::find(kVerbs, word);
  if (found == kVerbs.end()) throw WrongCall(fmt::format("--data {}", word));
  return static_cast<DataVerb>(found - kVerbs.begin());
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
      command.data_verb = DataVerbOf(arguments[++i]);
    } else if (argument == "--out") {
      command.out_file = arguments[++i];
    } else if (argument == "--explain") {
      command.is_explain = true;
    } else if (argument == "--check") {
      command.is_check = true;
    } else if (argument == "--prepare") {
      command.is_prepare = true;
    } else if (argument == "--fingerprint") {
      command.is_fingerprint = true;
    } else if (argument == "--probe") {
      command.is_probe = true;
    } else if (argument == "--lanes") {
      command.is_lanes = true;
    } else if (argument == "--help" || argument == "-h") {
      command.is_help = true;
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
  if (command.is_help || command.is_lanes) return command;
  if (command.is_probe && split.config_path.empty()) return command;
  if (command.is_probe) throw WrongCall("--probe takes no configuration");
  command.folder = split.config_path;
  if (split.config_path.empty()) throw WrongCall("no configuration");
  if (command.is_fingerprint) return command;
  command.config = ReadJsonFile(split.config_path);
  if (command.is_prepare) return command;
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
  return command;
}

std::string HelpText() {
  return fmt::format(
      "usage: {}\n\n"
      "Trains one model as CONFIG.json says (the `trainer:` mapping of a spec) and prints one "
      "JSON\n"
      "object an epoch. --params and --set override single keys: --set optimizer.lr=0.1.\n"
      "--explain prints stages, shapes, memory and arithmetic and trains nothing; --check judges\n"
      "the configuration alone, on stdout, without reading data. --prepare reads the data sets of\n"
      "a list of values of `data` and prints where each lies prepared, and under which name\n"
      "DDL_PREPARED is to have it on a machine without the files. --data tells of the data, "
      "checks\n"
      "them or writes them to one file, and prints JSON. --fingerprint tells the newest "
      "checkpoint\n"
      "of a folder. --probe measures for a second what one core reaches, prints it and keeps it "
      "in\n"
      "the cache, where trainings find it. --lanes is for ddl: trials come over a socket on\n"
      "descriptor 3 and\n"
      "run as threads of this process.\n\n"
      "environment: DDL_PARAMS stands for --params; with DDL_CHECKPOINT_DIR checkpoints are kept\n"
      "there and continued from; DDL_OUTPUT_DIR (else that folder) takes figures.json and, with\n"
      "keep: predictions, predictions.bin; DDL_DATA and DDL_CACHE name folders for data, "
      "DDL_PREPARED\n"
      "one whose prepared data stand for all files. TERM checkpoints and leaves.\n\n"
      "exit: 0 done, 1 the training failed, 2 wrong call, configuration or data, 75 stopped and\n"
      "to be continued, 143 stopped without a checkpoint folder\n",
      kUsage);
}

}  // namespace ddl
