// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "trainer/dataset.h"

namespace ddl {

namespace {

constexpr std::size_t kMostNoted = 8;

std::string Listed(const std::vector<std::string>& names, std::size_t count) {
  return fmt::format("{}{}", fmt::join(names, ", "), count > names.size() ? ", ..." : "");
}

}  // namespace

std::vector<std::uint64_t> ClassCounts(const Dataset& dataset, const Split& split) {
  if (dataset.has_real_targets) return {};
  std::vector<std::uint64_t> counts(dataset.classes);
  if (dataset.context > 0) {
    for (const std::uint8_t token : std::get<std::span<const std::uint8_t>>(split.features)) {
      ++counts[token];
    }
  }
  for (const std::int32_t label : split.labels) {
    ++counts[static_cast<std::size_t>(label)];
  }
  return counts;
}

std::vector<std::string> NotesOn(const Dataset& dataset) {
  std::vector<std::string> notes;
  if (dataset.context > 0) return notes;
  std::vector<std::string> empty;
  std::size_t count = 0;
  const std::vector<std::uint64_t> rows = ClassCounts(dataset, dataset.train);
  for (std::size_t label = 0; label < rows.size(); ++label) {
    if (rows[label] > 0 || ++count > kMostNoted) continue;
    empty.push_back(label < dataset.class_names.size() ? dataset.class_names[label]
                                                       : fmt::format("{}", label));
  }
  if (count > 0) {
    notes.push_back(fmt::format("{} of {} classes {} no training row: {}", count, rows.size(),
                                count == 1 ? "has" : "have", Listed(empty, count)));
  }
  const ConstantFeatures& constants = dataset.constants;
  if (constants.count > 0 && dataset.shape.size() == 1) {
    notes.push_back(fmt::format("{} of {} features {} the same in every training row: {}",
                                constants.count, dataset.features,
                                constants.count == 1 ? "is" : "are",
                                Listed(constants.names, constants.count)));
  }
  return notes;
}

}  // namespace ddl
