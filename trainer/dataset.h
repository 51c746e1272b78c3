// SPDX-License-Identifier: Apache-2.0
// A data set of fixed-size records with a class each, mapped from prepared data or made in memory.
// Immutable once loaded: any thread may read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "configs/json.h"
#include "trainer/block_cut.h"

namespace ddl {

// Row-major [rows, features]; as stored, before any normalisation.
using FeatureView = std::variant<std::span<const std::uint8_t>, std::span<const float>>;

// Views into memory of its Dataset. labels.size() is the number of rows; each label is in
// [0, classes), or the bits of a finite target; each real feature is finite: checked when the data
// was read.
struct Split {
  FeatureView features;
  std::span<const std::int32_t> labels;

  [[nodiscard]] std::size_t Rows() const { return labels.size(); }
};

// What a feature becomes before the first stage: (x - mean) * scale. Both have one element for all
// features, or one per feature.
struct Affine {
  std::vector<float> mean{0.0F};
  std::vector<float> scale{1.0F};
};

// Features with the same value in every training row: nothing can be learnt from them.
struct ConstantFeatures {
  std::size_t count = 0;
  std::vector<std::string> names;  // of the first few: columns, or numbers from 1
};

// Keeps the bytes behind the views: a mapping or vectors.
class DatasetMemory;

struct Dataset {
  Dataset();
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  std::uint64_t serial;  // no other data set of this process has it
  std::string name;
  std::vector<std::size_t> shape;        // of one record, {28, 28}; its product is `features`
  std::size_t features = 0;              // values a record
  std::size_t classes = 0;               // at least 2; 1 where targets are real
  bool has_real_targets = false;         // labels are their bits, see target.h
  std::size_t context = 0;               // of a text: its features are one run of tokens, without
                                         // labels; a record is so many of them, from anywhere on
  std::vector<std::string> class_names;  // empty: classes are just numbers
  ConstantFeatures constants;
  // What tells its training rows from others, wherever they lie: checksums or, of rows that are
  // made up, what they are made by (their last bits are the maths library's). Empty: not known.
  std::string identity;
  std::string file;                          // of packed data that it is mapped from; "": none
  std::array<std::uint32_t, 4> file_crcs{};  // of features and labels, training and test, as packed
  Split train;                               // to be cut into training and validation by MakeSplit
  Split test;                                // no rows when the data has none
  std::unique_ptr<const DatasetMemory> memory;
};

// Where files are looked for and where prepared data is kept.
struct DataPaths {
  // For relative paths after the current folder, and for named data sets ("fashion-mnist").
  std::vector<std::filesystem::path> search;
  std::filesystem::path cache;  // empty: prepare in memory, keep nothing
  // Prepared data that were brought along: nothing but these is taken for what is made of files,
  // whatever this host has under the names. Empty: the files are read.
  std::filesystem::path prepared;
  bool looks_for_files = true;  // false: the data may lie on another machine
};

// search = the folders of DDL_DATA (separated by ':'), then /usr/share/datasets.
// cache = DDL_CACHE, else $XDG_CACHE_HOME/ddl, else ~/.cache/ddl. prepared = DDL_PREPARED.
[[nodiscard]] DataPaths DataPathsFromEnvironment();

// `config` is the value of the key `data`: a name or a mapping with `type`. Throws Error with the
// file and the row or byte where it is wrong, and with the nearest name for an unknown key. A cache
// that cannot be written is said once on stderr, and the data then stays in memory.
[[nodiscard]] Dataset LoadDataset(const Json& config, const DataPaths& paths);

// Checks the keys, and that the files are there where `paths` says to look for them; reads none of
// the data. Throws Error as LoadDataset does.
void CheckData(const Json& config, const DataPaths& paths);

// For a host that has none of the files: under which name in its folder of prepared data the data
// are looked for, and where they lie here.
struct PreparedData {
  std::string name;
  std::string path;
};

// Nothing for data that are made up, as they can be anywhere. Throws Error as LoadDataset does, and
// where the cache cannot be written.
[[nodiscard]] std::optional<PreparedData> PrepareDataset(const Json& config,
                                                         const DataPaths& paths);

// Writes the rows of `config`, which is no packed data, as packed data to `path`, in little memory
// where their reader needs little. Throws Error as LoadDataset does, and where the disk refuses.
void PackDataset(const Json& config, const DataPaths& paths, const std::filesystem::path& path);

// What a user should know before training on it: classes without training rows, columns that never
// change (not of images, whose edges seldom do). A text each, without a line feed.
[[nodiscard]] std::vector<std::string> NotesOn(const Dataset& dataset);

// How many rows each class has; of a text, how often each token occurs; of real targets nothing.
[[nodiscard]] std::vector<std::uint64_t> ClassCounts(const Dataset& dataset, const Split& split);

// `config` is the value of the key `normalize`: {mean, std} of values on the scale of the default
// below, "none", or null for the default:
//   fashion-mnist      p/255, then mean 0.2860, std 0.3530
//   other byte data    p/255
//   real features      mean 0, std 1 per feature over `training_rows` of dataset.train; a constant
//                      feature becomes 0
// {mean, std} is applied to p/255 for bytes and to the values as they are for reals.
[[nodiscard]] Affine MakeAffine(const Dataset& dataset, const Json& config,
                                std::span<const std::uint32_t> training_rows);

// The same for rows that are visited once, in the order in which they lie, some side by side at a
// time. Deviations of whole data follow those of their pieces (Chan, Golub and LeVeque, "Updating
// formulae and a pairwise algorithm for computing sample variances", 1979).
using RowVisit = std::function<void(const std::function<void(const RowRun&)>& take)>;
[[nodiscard]] Affine MakeStreamedAffine(const Dataset& dataset, const Json& config,
                                        const RowVisit& visit);

// out[i * stride + j] = (split.features[rows[i], j] - mean[j]) * scale[j] for i < rows.size() and
// j < features; the rest of `out` is left as it is. stride >= features is in floats, 0 means
// features. Bits do not depend on the processor.
void GatherRows(const Split& split, std::span<const std::uint32_t> rows, const Affine& affine,
                std::span<float> out, std::size_t stride = 0);

// out[i] = split.labels[rows[i]].
void GatherLabels(const Split& split, std::span<const std::uint32_t> rows,
                  std::span<std::int32_t> out);

}  // namespace ddl
