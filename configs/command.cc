// SPDX-License-Identifier: Apache-2.0
#include "configs/command.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

// As Python's str() shows it: what scripts written for W&B expect in their arguments.
std::string ArgumentText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_null()) return "None";
  if (value.is_number_float()) {
    std::string text = FormatNumber(value.get<double>());
    const bool looks_whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return looks_whole ? text + ".0" : text;
  }
  return DumpJson(value);
}

enum class ArgumentStyle : std::uint8_t { kHyphens, kNoHyphens, kNoBooleanFlags };

void AppendArguments(const Json& nested, ArgumentStyle style, std::vector<std::string>& words) {
  const std::string_view dashes = style == ArgumentStyle::kNoHyphens ? "" : "--";
  for (const auto& item : nested.items()) {
    const bool flag = style == ArgumentStyle::kNoBooleanFlags && item.value().is_boolean();
    if (!flag) {
      words.push_back(fmt::format("{}{}={}", dashes, item.key(), ArgumentText(item.value())));
    } else if (item.value().get<bool>()) {
      words.push_back(fmt::format("{}{}", dashes, item.key()));
    }
  }
}

// ${envvar:NAME} within a word.
std::string ReplaceEnvironment(std::string word) {
  constexpr std::string_view kBegin = "${envvar:";
  for (std::size_t at = 0; (at = word.find(kBegin, at)) != std::string::npos;) {
    const std::size_t end = word.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = word.substr(at + kBegin.size(), end - at - kBegin.size());
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      throw Error(fmt::format("the command needs the environment variable {}", name), "command",
                  fmt::format("export {}=… before you start", name));
    }
    word.replace(at, end + 1 - at, value);
    at += std::string_view(value).size();
  }
  return word;
}

void Replace(std::string& word, std::string_view macro, const std::string& text) {
  for (std::size_t at = 0; (at = word.find(macro, at)) != std::string::npos; at += text.size()) {
    word.replace(at, macro.size(), text);
  }
}

}  // namespace

std::vector<std::string> ExpandCommand(const SweepSpec& spec, const Configuration& configuration,
                                       const std::string& interpreter) {
  const Json nested = NestedConfiguration(spec.space, configuration);
  std::vector<std::string> words;
  for (const std::string& part : spec.command) {
    if (part == "${args}") {
      AppendArguments(nested, ArgumentStyle::kHyphens, words);
    } else if (part == "${args_no_hyphens}") {
      AppendArguments(nested, ArgumentStyle::kNoHyphens, words);
    } else if (part == "${args_no_boolean_flags}") {
      AppendArguments(nested, ArgumentStyle::kNoBooleanFlags, words);
    } else {
      std::string word = ReplaceEnvironment(part);
      Replace(word, "${env}", "/usr/bin/env");
      Replace(word, "${interpreter}", interpreter.empty() ? "python3" : interpreter);
      Replace(word, "${program}", spec.program);
      Replace(word, "${args_json}", DumpJson(nested));
      words.push_back(std::move(word));
    }
  }
  return words;
}

Json NestedConfiguration(const Space& space, const Configuration& configuration) {
  Json nested = Json::object();
  for (const Parameter& parameter : space) {
    const std::string name = parameter.Name();
    if (!configuration.contains(name)) continue;
    Json* at = &nested;
    for (const std::string& step : parameter.path) {
      at = &(*at)[step];
    }
    *at = configuration.at(name);
  }
  return nested;
}

Json TrainerConfiguration(const SweepSpec& spec, const Configuration& configuration,
                          int seed_index) {
  Json trainer = spec.trainer.value_or(Json::object());
  for (const auto& item : configuration.items()) {
    Json* at = &trainer;
    std::string_view rest = item.key();
    while (true) {
      const std::size_t dot = rest.find('.');
      if (at->is_string()) *at = Json{{"type", *at}};  // "optimizer: adam" and optimizer.lr
      if (!at->is_object()) *at = Json::object();
      at = &(*at)[std::string(rest.substr(0, dot))];
      if (dot == std::string_view::npos) break;
      rest.remove_prefix(dot + 1);
    }
    *at = item.value();
  }
  // A seed that is no number is the trainer's to refuse.
  if (!trainer.contains("seed")) trainer["seed"] = 0;
  if (trainer["seed"].is_number_integer()) {
    trainer["seed"] = trainer["seed"].get<std::int64_t>() + seed_index;
  }
  return trainer;
}

}  // namespace ddl
