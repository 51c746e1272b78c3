// SPDX-License-Identifier: Apache-2.0
#include "trainer/element_stream.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/record_check.h"
#include "trainer/target.h"

namespace ddl {

namespace {

std::string ShapeText(std::span<const std::size_t> dims) {
  return fmt::format("[{}]", fmt::join(dims, ", "));
}

class PairedSource : public RecordSource {
 public:
  PairedSource(PairedFiles files, OpenElements open, std::string name,
               std::vector<std::string> class_names)
      : files_(std::move(files)), open_(std::move(open)) {
    format_.name = std::move(name);
    format_.class_names = std::move(class_names);
    format_.has_real_targets = files_.has_real_targets;
    if (files_.has_real_targets) format_.classes = 1;
    format_.train_rows = Look(files_.train_features, files_.train_labels);
    ScanLabels(DataPart::kTrain);
    if (files_.test_features.empty()) return;
    format_.test_rows = Look(files_.test_features, files_.test_labels);
    ScanLabels(DataPart::kTest);
  }

  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart part) const override {
    return part == DataPart::kTrain ? files_.train_features : files_.test_features;
  }

  void Read(DataPart part, const Take& take) override {
    if (format_.Rows(part) == 0) return;
    const bool is_training = part == DataPart::kTrain;
    const auto features = open_(is_training ? files_.train_features : files_.test_features);
    const auto labels = open_(is_training ? files_.train_labels : files_.test_labels);
    const std::size_t row_bytes = format_.Features() * features->Format().Bytes();
    const std::size_t most = RowsAtATime(row_bytes);
    std::vector<std::uint8_t> bytes;
    std::vector<float> reals;
    std::vector<std::int32_t> numbers;
    for (std::size_t first = 0; first < format_.Rows(part); first += most) {
      const std::size_t count = std::min(most, format_.Rows(part) - first);
      bytes.resize(count * row_bytes);
      features->Read(bytes);
      NextNumbers(*labels, first, count, numbers);
      if (format_.is_bytes) {
        take({std::span<const std::uint8_t>(bytes), numbers});
        continue;
      }
      reals.resize(count * format_.Features());
      DecodeReals(features->Format(), bytes, reals);
      take({std::span<const float>(reals), numbers});
    }
    features->Finish();
    labels->Finish();
  }

 private:
  // Judges a pair by its headers; returns its rows.
  std::size_t Look(const std::string& feature_path, const std::string& label_path) {
    const auto features = open_(feature_path);
    const auto labels = open_(label_path);
    const ElementFormat type = features->Format();
    if (features->Dims().size() < 2 || type.type == ElementType::kB1) {
      throw Error(
          fmt::format("not features: {} of {}", ShapeText(features->Dims()), NameOf(type.type)),
          feature_path, "numbers of two or more dimensions are");
    }
    const bool is_wrong_type = labels->Format().IsReal() && !files_.has_real_targets;
    if (labels->Dims().size() != 1 || is_wrong_type) {
      throw Error(fmt::format("not labels: {} of {}", ShapeText(labels->Dims()),
                              NameOf(labels->Format().type)),
                  label_path,
                  "whole numbers of one dimension are; say labels: real for a regression");
    }
    if (features->Dims()[0] != labels->Dims()[0]) {
      throw Error(fmt::format("{} rows, but {} labels", features->Dims()[0], labels->Dims()[0]),
                  label_path, "name files that belong together: " + feature_path);
    }
    TakeShape(features->Dims(), type, feature_path);
    return features->Dims()[0];
  }

  void TakeShape(std::span<const std::size_t> dims, ElementFormat type, const std::string& path) {
    const bool is_bytes = type.type == ElementType::kU1;
    const std::vector<std::size_t> own(dims.begin() + 1, dims.end());
    if (!format_.shape.empty() && (own != format_.shape || is_bytes != format_.is_bytes)) {
      throw Error(fmt::format("records of {} of {}, but {} of {} in the training part",
                              ShapeText(own), is_bytes ? "bytes" : "reals",
                              ShapeText(format_.shape), format_.is_bytes ? "bytes" : "reals"),
                  path, "training and test data must have one shape and type");
    }
    format_.shape = own;
    format_.is_bytes = is_bytes;
    if (format_.Features() == 0) throw Error("no features", path, "name data that has some");
  }

  // Whole numbers as they are, or the bits of real targets.
  void NextNumbers(ElementStream& labels, std::size_t first, std::size_t count,
                   std::vector<std::int32_t>& numbers) const {
    if (!files_.has_real_targets) {
      const std::vector<std::int64_t> wide = NextLabels(labels, first, count);
      numbers.assign(wide.begin(), wide.end());
      return;
    }
    std::vector<std::uint8_t> bytes(count * labels.Format().Bytes());
    labels.Read(bytes);
    std::vector<float> targets(count);
    DecodeReals(labels.Format(), bytes, targets);
    numbers.clear();
    std::ranges::transform(targets, std::back_inserter(numbers), LabelOfTarget);
  }

  void ScanLabels(DataPart part) {
    if (files_.has_real_targets) return;
    const auto labels = open_(part == DataPart::kTrain ? files_.train_labels : files_.test_labels);
    const std::size_t most = RowsAtATime(labels->Format().Bytes());
    for (std::size_t first = 0; first < format_.Rows(part); first += most) {
      const std::size_t count = std::min(most, format_.Rows(part) - first);
      const std::vector<std::int64_t> some = NextLabels(*labels, first, count);
      for (std::size_t i = 0; i < count; ++i) {
        if (part == DataPart::kTest) {
          CheckLabel(some[i], first + i, format_.classes, labels->Path());
        } else {
          format_.classes = std::max(format_.classes, static_cast<std::size_t>(some[i]) + 1);
        }
      }
    }
    labels->Finish();
  }

  static std::vector<std::int64_t> NextLabels(ElementStream& labels, std::size_t first,
                                              std::size_t count) {
    std::vector<std::uint8_t> bytes(count * labels.Format().Bytes());
    labels.Read(bytes);
    std::vector<std::int64_t> numbers(count);
    DecodeWhole(labels.Format(), bytes, numbers);
    CheckClassNumbers(numbers, first, labels.Path());
    return numbers;
  }

  PairedFiles files_;
  OpenElements open_;
  RecordFormat format_;
};

}  // namespace

std::unique_ptr<RecordSource> OpenPairs(const PairedFiles& files, const OpenElements& open,
                                        std::string name, std::vector<std::string> class_names) {
  return std::make_unique<PairedSource>(files, open, std::move(name), std::move(class_names));
}

}  // namespace ddl
