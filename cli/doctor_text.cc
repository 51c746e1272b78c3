// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "cli/doctor.h"
#include "cli/pieces.h"
#include "scheduler/json_fields.h"

namespace ddl {

namespace {

struct LevelWords {
  const char* word;
  Style style;
};

LevelWords LevelWordsOf(CheckLevel level) {
  switch (level) {
    case CheckLevel::kOk:
      return {"ok", Style::kGood};
    case CheckLevel::kWarning:
      return {"warn", Style::kWarning};
    case CheckLevel::kFailure:
      return {"fail", Style::kBad};
  }
  return {"", Style::kPlain};
}

std::vector<std::string> WordsIn(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The text beside a margin, broken between words.
std::vector<std::string> Beside(const std::string& margin, const std::string& text,
                                const Terminal& terminal) {
  const int indent = DisplayWidth(margin);
  Terminal narrower = terminal;
  narrower.width = std::max(terminal.width - indent, 10);
  std::vector<std::string> lines = WrapPieces(WordsIn(text), " ", 0, narrower);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].insert(0, i == 0 ? margin : std::string(static_cast<std::size_t>(indent), ' '));
  }
  return lines;
}

}  // namespace

std::vector<std::string> DoctorLines(std::span<const Check> checks, const Terminal& terminal) {
  constexpr int kWord = 4;
  constexpr int kName = 13;
  std::vector<std::string> lines;
  for (const Check& check : checks) {
    const LevelWords level = LevelWordsOf(check.level);
    const std::string margin = Painted(PadRight(level.word, kWord), level.style, terminal) + "  " +
                               PadRight(check.name, kName) + "  ";
    std::ranges::move(Beside(margin, OneLine(check.text), terminal), std::back_inserter(lines));
    if (check.remedy.empty()) continue;
    const std::string below(static_cast<std::size_t>(kWord + kName + 4), ' ');
    const std::string arrow = terminal.utf8 ? "→ " : "> ";
    std::ranges::move(Beside(below + arrow, check.remedy, terminal), std::back_inserter(lines));
  }
  return lines;
}

Json DoctorJson(std::span<const Check> checks) {
  Json list = Json::array();
  for (const Check& check : checks) {
    list.push_back({{"check", check.name},
                    {"level", LevelWordsOf(check.level).word},
                    {"text", check.text},
                    {"remedy", OrNull(check.remedy)}});
  }
  return {{"ok", !AnyFailure(checks)}, {"checks", std::move(list)}};
}

bool AnyFailure(std::span<const Check> checks) {
  return std::ranges::any_of(
      checks, [](const Check& check) { return check.level == CheckLevel::kFailure; });
}

}  // namespace ddl
