// SPDX-License-Identifier: Apache-2.0
// ddl data info | check | pack: what a data set is, whether it is sound, and one file of it. The
// trainer looks at the data; this asks it and shows what it says.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/executables.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/trainer_check.h"
#include "configs/command.h"
#include "configs/error.h"
#include "configs/json.h"
#include "configs/spec_reader.h"
#include "runner/command_output.h"

namespace ddl {

namespace {

constexpr int kExitUnsound = 3;

bool IsSpecName(const std::string& source) {
  const std::string ending = std::filesystem::path(source).extension();
  return ending == ".yaml" || ending == ".yml";
}

// The trainer's configuration; of a packed file one that holds nothing but it.
Json ConfigurationOf(const std::string& source) {
  if (!IsSpecName(source)) return {{"data", {{"type", "packed"}, {"file", source}}}};
  const SpecReading reading = ReadSpecFile(source, {});
  if (reading.spec.trainer) return *reading.spec.trainer;
  throw Error("this spec has no trainer:", source, "ddl data is for data of the built-in trainer");
}

std::vector<std::string> WordsFor(const DataOptions& options, int configuration) {
  std::vector<std::string> words{SiblingExecutable("ddl-trainer"),
                                 fmt::format("/proc/{}/fd/{}", ::getpid(), configuration), "--data",
                                 options.verb};
  for (const std::string& setting : options.overrides) {
    words.emplace_back("--set");
    words.push_back(setting);
  }
  if (!options.out_file.empty()) {
    words.emplace_back("--out");
    words.push_back(options.out_file);
  }
  return words;
}

Json AskTrainer(const DataOptions& options) {
  constexpr std::chrono::hours kPatience{24};
  constexpr std::size_t kMostText = std::size_t{64} << 20U;
  const int configuration = MakeMemoryFile(DumpJson(ConfigurationOf(options.source)));
  const CommandOutput said = RunCommand(WordsFor(options, configuration), kPatience, kMostText);
  ::close(configuration);
  if (said.exit_code == 0) return ParseJson(said.text, "what the trainer says of the data");
  const ErrorKind kind = said.exit_code == 2 ? ErrorKind::kUsage : ErrorKind::kInfrastructure;
  throw Error(said.text.empty() ? "the trainer ended without a word" : said.text, "", "", kind);
}

std::string ShapeOf(const Json& data) {
  if (data.at("shape").empty()) return "";
  return fmt::format(" of {}", DumpJson(data.at("shape")));
}

void PrintClasses(const Json& data) {
  if (data.at("targets") == "real") return;
  constexpr std::size_t kMostShown = 20;
  const Json& training = data.at("train_counts");
  const Json& test = data.at("test_counts");
  const Json& names = data.at("class_names");
  Table table({{.title = "class"},
               {.title = "training", .is_number = true},
               {.title = "test", .is_number = true}});
  for (std::size_t i = 0; i < std::min(training.size(), kMostShown); ++i) {
    const std::string name =
        i < names.size() ? OneLine(names[i].get<std::string>()) : fmt::format("{}", i);
    table.AddRow({{name}, {DumpJson(training[i])}, {DumpJson(test[i])}});
  }
  for (const std::string& line : table.Lines(DetectTerminal())) {
    PrintText(line + "\n");
  }
  if (training.size() > kMostShown) {
    PrintText(fmt::format("{} more classes: --json shows all\n", training.size() - kMostShown));
  }
}

void PrintDescription(const Json& data) {
  const bool is_real = data.at("targets") == "real";
  const std::string targets =
      is_real ? "real targets" : fmt::format("{} classes", DumpJson(data.at("classes")));
  PrintText(fmt::format("{}: {} training and {} test rows{}, {}, {}\n",
                        data.at("name").get<std::string>(), DumpJson(data.at("train_rows")),
                        DumpJson(data.at("test_rows")), ShapeOf(data),
                        data.at("type").get<std::string>(), targets));
  if (const auto file = data.at("file").get<std::string>(); !file.empty()) {
    PrintText(fmt::format("file      {} ({})\n", file,
                          FormatBytes(data.at("bytes").get<std::int64_t>())));
  }
  PrintText(fmt::format("shuffled  {}, unless shuffle: says otherwise\n",
                        data.at("shuffle").get<std::string>()));
  const Json& constants = data.at("constants");
  if (const auto count = constants.at("count").get<std::uint64_t>(); count > 0) {
    const auto some = constants.at("names").get<std::vector<std::string>>();
    PrintText(fmt::format("constant  {} of the features: {}{}\n", count,
                          OneLine(fmt::format("{}", fmt::join(some, ", "))),
                          count > some.size() ? ", ..." : ""));
  }
  if (!is_real) PrintClasses(data);
}

int ShowFindings(const Json& findings) {
  for (const Json& problem : findings.at("problems")) {
    PrintText(fmt::format("damaged  {}\n", problem.get<std::string>()));
  }
  for (const Json& note : findings.at("notes")) {
    PrintText(fmt::format("note     {}\n", OneLine(note.get<std::string>())));
  }
  if (findings.at("ok").get<bool>()) PrintText("ok  the data are sound\n");
  return findings.at("ok").get<bool>() ? 0 : kExitUnsound;
}

}  // namespace

int RunDataCommand(const DataOptions& options) {
  const bool is_pack = options.verb == "pack";
  if (is_pack == options.out_file.empty()) {
    throw Error(is_pack ? "no file to write" : "--out without pack", "",
                "ddl data pack SPEC.yaml --out FILE");
  }
  const Json said = AskTrainer(options);
  const bool is_check = options.verb == "check";
  if (options.json) {
    PrintJson(said);
    return is_check && !said.at("ok").get<bool>() ? kExitUnsound : 0;
  }
  if (is_check) return ShowFindings(said);
  PrintDescription(said);
  return 0;
}

}  // namespace ddl
