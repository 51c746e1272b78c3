// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "bench/searches/problem.h"
#include <fmt/format.h>

namespace ddl::bench {

namespace {

using Row = std::vector<std::string>;

[[noreturn]] void Refuse(const std::string& path, std::size_t line, const std::string& what) {
  fmt::print(stderr, "{}:{}: {}\n", path, line, what);
  std::exit(2);
}

// Fields apart by commas; quotes keep a comma, and stand doubled for themselves.
Row Fields(const std::string& line) {
  Row fields(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && is_quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (line[i] == '"') {
      is_quoted = !is_quoted;
    } else if (line[i] == ',' && !is_quoted) {
      fields.emplace_back();
    } else if (line[i] != '\r') {
      fields.back() += line[i];
    }
  }
  return fields;
}

Json ValueOf(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stop == end ? Json(number) : Json(text);
}

struct File {
  Row names;
  std::vector<std::vector<Json>> rows;
};

File ReadTable(const std::string& path) {
  std::ifstream stream(path);
  File file;
  std::string line;
  if (!std::getline(stream, line)) Refuse(path, 1, "cannot be read, or is empty");
  file.names = Fields(line);
  if (file.names.size() < 2) Refuse(path, 1, "needs a column of a parameter and one of values");
  for (std::size_t number = 2; std::getline(stream, line); ++number) {
    if (line.empty()) continue;
    std::vector<Json> row;
    for (const std::string& field : Fields(line))
      row.push_back(ValueOf(field));
    if (row.size() != file.names.size()) Refuse(path, number, "has another number of fields");
    if (!row.back().is_number()) Refuse(path, number, "its value, the last field, is no number");
    file.rows.push_back(std::move(row));
  }
  if (file.rows.empty()) Refuse(path, 2, "has no row");
  return file;
}

// The values that a column has; numbers in rising order, which makes them ordered.
Parameter ColumnOf(const File& file, std::size_t column) {
  Parameter parameter;
  parameter.path = {file.names[column]};
  parameter.distribution = Distribution::kCategorical;
  for (const std::vector<Json>& row : file.rows) {
    if (std::ranges::find(parameter.values, row[column]) == parameter.values.end()) {
      parameter.values.push_back(row[column]);
    }
  }
  std::ranges::sort(parameter.values);
  return parameter;
}

}  // namespace

NamedProblem TableOfFile(const std::string& path, bool maximize) {
  const File file = ReadTable(path);
  Problem problem;
  for (std::size_t i = 0; i + 1 < file.names.size(); ++i)
    problem.space.push_back(ColumnOf(file, i));
  // Rows of the same parameters are repetitions: their mean counts.
  auto sums = std::make_shared<std::map<std::string, std::pair<double, int>>>();
  for (const std::vector<Json>& row : file.rows) {
    Configuration point = Json::object();
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      point[file.names[i]] = row[i];
    auto& [sum, count] = (*sums)[DumpJson(point)];
    sum += (maximize ? -1 : 1) * row.back().get<double>();
    ++count;
  }
  const auto mean = [](const auto& entry) { return entry.second.first / entry.second.second; };
  problem.optimum = mean(*std::ranges::min_element(*sums, {}, mean));
  problem.exists = [sums](const Configuration& point) { return sums->contains(DumpJson(point)); };
  problem.values = [sums, mean](const Configuration& point) {
    return std::vector<double>{mean(*sums->find(DumpJson(point)))};
  };
  return {std::filesystem::path(path).stem(), [problem](std::uint64_t) { return problem; }};
}

}  // namespace ddl::bench
