// SPDX-License-Identifier: Apache-2.0
#include "cli/whole_words.h"

namespace ddl {

namespace {

constexpr char kMark = '\x01';

}  // namespace

std::vector<std::string> WithBracketsMarked(std::vector<std::string> words) {
  for (std::string& word : words) {
    // A mark of the user's own gets a second one: exactly one is taken off again.
    if (word.starts_with('[') || word.starts_with(kMark)) word.insert(0, 1, kMark);
  }
  return words;
}

std::string Unmarked(std::string word) {
  if (word.starts_with(kMark)) word.erase(0, 1);
  return word;
}

}  // namespace ddl
