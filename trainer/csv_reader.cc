// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

CsvReader::CsvReader(const std::string& path, char delimiter)
    : path_(path), delimiter_(delimiter), file_(path, std::ios::binary) {
  if (!file_ || std::filesystem::is_directory(path)) {
    throw SystemError("cannot read", path, "check the name");
  }
}

bool CsvReader::Next() {
  while (std::getline(file_, line_)) {
    ++number_;
    if (Trimmed(line_).empty()) continue;
    Split(line_);
    return true;
  }
  return false;
}

std::string CsvReader::Where() const {
  return fmt::format("{}:{}", path_, number_);
}

void CsvReader::Split(std::string_view text) {
  fields_.clear();
  while (true) {
    text = text.starts_with('"') ? TakeQuoted(text) : TakePlain(text);
    if (text.empty()) return;
    text.remove_prefix(1);
    if (!text.empty()) continue;
    fields_.emplace_back();
    return;
  }
}

// Takes one field off the front; what is left begins with a delimiter, or is empty.
std::string_view CsvReader::TakePlain(std::string_view text) {
  const std::size_t end = std::min(text.find(delimiter_), text.size());
  fields_.emplace_back(Trimmed(text.substr(0, end)));
  return text.substr(end);
}

std::string_view CsvReader::TakeQuoted(std::string_view text) {
  std::string field;
  std::size_t i = 1;
  for (; i < text.size(); ++i) {
    if (text[i] != '"') {
      field += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      field += text[i++];
    } else {
      break;
    }
  }
  const std::string_view rest = Trimmed(text.substr(std::min(i + 1, text.size())));
  if (i >= text.size() || (!rest.empty() && rest.front() != delimiter_)) {
    throw Error("a quote is open or stands within a field", Where(),
                "write \"…\" around the whole field, and \"\" for a quote in it");
  }
  fields_.push_back(std::move(field));
  return rest;
}

std::optional<float> CsvNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  float value = 0.0F;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool IsMissing(std::string_view text) {
  constexpr std::array<std::string_view, 6> kWords{"", "?", "na", "n/a", "nan", "null"};
  const auto is_same = [text](std::string_view word) {
    return std::ranges::equal(
        text, word, [](unsigned char own, char wanted) { return std::tolower(own) == wanted; });
  };
  return std::ranges::any_of(kWords, is_same);
}

}  // namespace ddl
