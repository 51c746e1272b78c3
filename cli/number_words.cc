// SPDX-License-Identifier: Apache-2.0
#include "cli/number_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace ddl {

namespace {

bool IsDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool IsWord(std::string_view text, std::string_view word) {
  return std::ranges::equal(
      text, word, [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

std::string AsValue(std::string word) {
  if (word.size() > 2 && word.starts_with("-.") && IsDigit(word[2])) return word.insert(1, "0");
  if (IsWord(word, "-inf") || IsWord(word, "-infinity")) return "-1e999";  // beyond all doubles
  return IsWord(word, "-nan") ? "nan" : word;
}

}  // namespace

std::vector<std::string> WithNumbersAsValues(std::vector<std::string> words) {
  if (words.size() > 1 && words[1] == "run") return words;
  const auto end = std::ranges::find(words, "--");
  std::transform(words.begin(), end, words.begin(), AsValue);
  return words;
}

}  // namespace ddl
