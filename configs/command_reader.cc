// SPDX-License-Identifier: Apache-2.0
#include "configs/command_reader.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/nearest.h"

namespace ddl {

namespace {

const std::vector<std::string> kDefaultCommand{"${env}", "${interpreter}", "${program}", "${args}"};

// `command` or `trainer` stood there and was refused: that nothing is to run is no news.
bool IsRefusedAlready(const SpecNode& root) {
  return root.Find("command") != nullptr || root.Find("trainer") != nullptr ||
         root.Find("program") != nullptr;
}

void CheckVariable(const SpecNode& root, const SweepSpec& spec, const std::string& name,
                   SpecErrors& errors) {
  const bool is_secret = std::ranges::any_of(spec.secrets, [&name](const auto& secret) {
    return name == secret.variable || name == secret.secret;
  });
  if (is_secret) {
    errors.Add(root, fmt::format("command would show the secret {}", name),
               "let the script read it from its environment: everybody sees arguments");
  } else if (std::getenv(name.c_str()) == nullptr) {
    errors.Add(root, fmt::format("command uses {}, which is not set", name),
               fmt::format("export {}=… before you start", name));
  }
}

void CheckWord(const SpecNode& root, const SweepSpec& spec, const std::string& word,
               SpecErrors& errors) {
  static const std::vector<std::string_view> kMacros{
      "${env}",       "${interpreter}",     "${program}",
      "${args}",      "${args_no_hyphens}", "${args_no_boolean_flags}",
      "${args_json}", "${args_json_file}"};
  if (word == "${program}" && spec.program.empty()) {
    errors.Add(root, "command uses ${program}, but there is no program", "write program: train.py");
  }
  constexpr std::string_view kVariable = "${envvar:";
  if (const std::size_t at = word.find(kVariable); at != std::string::npos) {
    const std::size_t begin = at + kVariable.size();
    CheckVariable(root, spec, word.substr(begin, word.find('}', begin) - begin), errors);
  } else if (word.starts_with("${") && word.find('}') == word.size() - 1 &&
             std::ranges::find(kMacros, word) == kMacros.end()) {
    const std::string nearest = NearestName(word, kMacros);
    errors.Add(root, fmt::format("unknown macro {}", word),
               nearest.empty() ? fmt::format("known: {}", fmt::join(kMacros, " "))
                               : fmt::format("did you mean {}?", nearest));
  }
}

}  // namespace

std::vector<std::string> ReadCommand(const SpecNode& node, SpecErrors& errors) {
  std::vector<std::string> command;
  if (node.kind != SpecNode::Kind::kList || node.items.empty()) {
    errors.Add(node, "command must be a list of words",
               "write command: [python, train.py, \"${args}\"]; no shell is involved");
    return command;
  }
  for (const SpecNode& item : node.items) {
    if (item.kind != SpecNode::Kind::kScalar) {
      errors.Add(item, "a word of command must be a text", "put it in quotes");
    }
    command.push_back(item.text);
  }
  return command;
}

void CompleteCommand(const SpecNode& root, SweepSpec& spec, SpecErrors& errors) {
  if (spec.trainer) {
    if (!spec.program.empty() || !spec.command.empty()) {
      errors.Add(root, "trainer together with program or command", "keep one of them");
    }
    return;
  }
  if (spec.command.empty() && spec.program.empty()) {
    if (IsRefusedAlready(root)) return;
    return errors.Add(root, "nothing to run", "write program:, command: or trainer:");
  }
  if (spec.command.empty()) spec.command = kDefaultCommand;
  for (const std::string& word : spec.command) {
    CheckWord(root, spec, word, errors);
  }
}

}  // namespace ddl
