// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
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

// Of a number that is nearer to zero than any float, or beyond all of them: std::from_chars does
// not tell which.
float NearestFloat(std::string_view text) {
  const double value = std::strtod(std::string(text).c_str(), nullptr);
  const float size = std::abs(value) < 1.0 ? 0.0F : std::numeric_limits<float>::infinity();
  return std::signbit(value) ? -size : size;
}

}  // namespace

CsvReader::CsvReader(const std::string& path, char delimiter)
    : path_(path), delimiter_(delimiter), file_(path, std::ios::binary) {
  if (!file_ || std::filesystem::is_directory(path)) {
    throw SystemError("cannot read", path, "check the name");
  }
}

bool CsvReader::Next() {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of spreadsheets, in UTF-8
  while (std::getline(file_, line_)) {
    std::string_view text = line_;
    if (++number_ == 1 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    if (Trimmed(text).empty()) continue;
    Split(text);
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
  std::string_view rest = text.substr(std::min(i + 1, text.size()));
  const auto is_blank = [this](char c) { return c != delimiter_ && Trimmed({&c, 1}).empty(); };
  while (!rest.empty() && is_blank(rest.front())) {
    rest.remove_prefix(1);
  }
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
  if (problem == std::errc::invalid_argument || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return problem == std::errc::result_out_of_range ? NearestFloat(text) : value;
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
