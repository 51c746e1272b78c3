// SPDX-License-Identifier: Apache-2.0
#include "trainer/data_report.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "trainer/block_batches.h"
#include "trainer/dataset_memory.h"
#include "trainer/packed_file.h"
#include "trainer/record_source.h"
#include "trainer/row_pages.h"

namespace ddl {

namespace {

std::size_t RowsIn(const Dataset& dataset, const Split& split) {
  if (dataset.context == 0) return split.Rows();
  return std::get<std::span<const std::uint8_t>>(split.features).size();
}

const char* TypeIn(const Dataset& dataset) {
  if (dataset.context > 0) return "tokens";
  return std::holds_alternative<std::span<const float>>(dataset.train.features) ? "reals" : "bytes";
}

// Splitmix64's last steps over words of 8 bytes. Two rows in 2^32 look the same by chance with a
// probability below 2^-31.
std::uint64_t HashOfRow(std::string_view row) {
  std::uint64_t hash = row.size();
  for (std::size_t at = 0; at < row.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, row.data() + at, std::min(sizeof word, row.size() - at));
    hash = (hash ^ word) * 0xbf58476d1ce4e5b9U;
    hash ^= hash >> 29U;
  }
  return (hash ^ (hash >> 31U)) * 0x94d049bb133111ebU;
}

// Calls `visit(row, bytes)` for each row, read once from the front.
void ForEachRow(const Dataset& dataset, const Split& split,
                const std::function<void(std::size_t row, std::string_view bytes)>& visit) {
  std::visit(
      [&](const auto& values) {
        const std::size_t each = dataset.features * sizeof(values[0]);
        const std::size_t most = RowsAtATime(each) * 4;
        const auto run = [&](std::size_t i) {
          return RowRun{i * most, std::min(most, split.Rows() - i * most)};
        };
        const auto take = [&](const RowRun& rows) {
          for (std::size_t row = rows.first; row < rows.first + rows.count; ++row) {
            const auto* first = values.data() + row * dataset.features;
            visit(row, {reinterpret_cast<const char*>(first), each});
          }
        };
        VisitRuns(RowPages(dataset, split), (split.Rows() + most - 1) / most, run, take);
      },
      split.features);
}

class DataChecker {
 public:
  explicit DataChecker(const Dataset& dataset)
      : dataset_(dataset),
        is_real_(std::holds_alternative<std::span<const float>>(dataset.train.features)) {}

  DataFindings Run() {
    if (!dataset_.file.empty()) {
      const std::string damage = DamageOfParts(dataset_);
      if (!damage.empty()) findings_.problems.push_back(damage);
    }
    findings_.notes = NotesOn(dataset_);
    if (dataset_.context == 0) LookAtRows();
    return findings_;
  }

 private:
  void LookAtRows() {
    std::vector<std::uint64_t> test;
    test.reserve(dataset_.test.Rows());
    ForEachRow(dataset_, dataset_.test, [&](std::size_t row, std::string_view bytes) {
      CheckFinite("test", row, bytes);
      test.push_back(HashOfRow(bytes));
    });
    std::ranges::sort(test);
    std::vector<bool> is_trained_on(test.size());
    is_told_ = false;
    ForEachRow(dataset_, dataset_.train, [&](std::size_t row, std::string_view bytes) {
      CheckFinite("training", row, bytes);
      const auto [begin, end] = std::ranges::equal_range(test, HashOfRow(bytes));
      std::fill(is_trained_on.begin() + (begin - test.begin()),
                is_trained_on.begin() + (end - test.begin()), true);
    });
    const auto both = std::ranges::count(is_trained_on, true);
    if (both == 0) return;
    findings_.notes.push_back(fmt::format("{} of {} test rows {} the features of a training row",
                                          both, test.size(), both == 1 ? "has" : "have"));
  }

  // The first of each part is told.
  void CheckFinite(const char* part, std::size_t row, std::string_view bytes) {
    if (!is_real_ || is_told_) return;
    for (std::size_t j = 0; j < dataset_.features; ++j) {
      float value = 0.0F;
      std::memcpy(&value, bytes.data() + j * sizeof value, sizeof value);
      if (std::isfinite(value)) continue;
      is_told_ = true;
      findings_.problems.push_back(
          fmt::format("feature {} in {} row {} is not finite", j + 1, part, row + 1));
      return;
    }
  }

  const Dataset& dataset_;
  bool is_real_;
  bool is_told_ = false;
  DataFindings findings_;
};

}  // namespace

Json DescribeData(const Dataset& dataset) {
  std::error_code ignored;
  const auto bytes =
      dataset.file.empty() ? std::uintmax_t{0} : std::filesystem::file_size(dataset.file, ignored);
  const char* shuffle = "full";
  if (dataset.context > 0) {
    shuffle = "windows";
  } else if (UsesBlocks({}, dataset)) {
    shuffle = "blocks";
  }
  return {{"name", dataset.name},
          {"file", dataset.file},
          {"bytes", bytes},
          {"train_rows", RowsIn(dataset, dataset.train)},
          {"test_rows", RowsIn(dataset, dataset.test)},
          {"shape", dataset.context > 0 ? std::vector<std::size_t>{} : dataset.shape},
          {"type", TypeIn(dataset)},
          {"targets", dataset.has_real_targets ? "real" : "classes"},
          {"classes", dataset.classes},
          {"class_names", dataset.class_names},
          {"train_counts", ClassCounts(dataset, dataset.train)},
          {"test_counts", ClassCounts(dataset, dataset.test)},
          {"constants", {{"count", dataset.constants.count}, {"names", dataset.constants.names}}},
          {"shuffle", shuffle}};
}

DataFindings CheckData(const Dataset& dataset) {
  return DataChecker(dataset).Run();
}

}  // namespace ddl
