// SPDX-License-Identifier: Apache-2.0
#include "trainer/record_source.h"

#include <algorithm>
#include <limits>

#include "trainer/packed_layout.h"
#include "trainer/record_check.h"

namespace ddl {

namespace {

FeatureView FeaturesOf(const Records& records, bool is_bytes) {
  if (is_bytes) return std::span<const std::uint8_t>(records.bytes);
  return std::span<const float>(records.reals);
}

class RowsInMemory : public RecordSource {
 public:
  RowsInMemory(ReadData data, std::string where)
      : data_(std::move(data)), where_(std::move(where)) {
    const bool is_text = data_.context > 0;
    const auto rows = [&](const Records& part) {
      return is_text ? part.bytes.size() : part.Rows();
    };
    format_ = {.name = data_.name,
               .shape = data_.shape,
               .classes = data_.classes,
               .class_names = data_.class_names,
               .identity = data_.identity,
               .has_real_targets = data_.has_real_targets,
               .is_bytes = data_.is_bytes,
               .is_text = is_text,
               .train_rows = rows(data_.train),
               .test_rows = rows(data_.test)};
  }

  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart /*part*/) const override { return where_; }
  void Read(DataPart part, const Take& take) override {
    const Records& records = part == DataPart::kTrain ? data_.train : data_.test;
    if (format_.Rows(part) == 0) return;
    take({FeaturesOf(records, data_.is_bytes), records.labels});
  }

 private:
  ReadData data_;
  std::string where_;
  RecordFormat format_;
};

void Append(const Split& rows, Records& records) {
  if (const auto* bytes = std::get_if<std::span<const std::uint8_t>>(&rows.features)) {
    records.bytes.insert(records.bytes.end(), bytes->begin(), bytes->end());
  } else {
    const auto reals = std::get<std::span<const float>>(rows.features);
    records.reals.insert(records.reals.end(), reals.begin(), reals.end());
  }
  records.labels.insert(records.labels.end(), rows.labels.begin(), rows.labels.end());
}

}  // namespace

std::size_t RecordFormat::Features() const {
  std::size_t features = 1;
  for (const std::size_t size : shape) {
    if (__builtin_mul_overflow(features, size, &features)) {
      return std::numeric_limits<std::size_t>::max();
    }
  }
  return features;
}

std::size_t RowsAtATime(std::size_t row_bytes) {
  constexpr std::size_t kBytes = std::size_t{1} << 20U;
  constexpr std::size_t kMostRows = std::size_t{1} << 16U;
  return std::clamp(kBytes / std::max<std::size_t>(row_bytes, 1), std::size_t{1}, kMostRows);
}

std::unique_ptr<RecordSource> SourceOf(ReadData data, std::string where) {
  return std::make_unique<RowsInMemory>(std::move(data), std::move(where));
}

ReadData ReadAll(RecordSource& source) {
  const RecordFormat& format = source.Format();
  RecordCheck check(source);
  ReadData data{.name = format.name,
                .shape = format.shape,
                .classes = format.classes,
                .class_names = format.class_names,
                .has_real_targets = format.has_real_targets,
                .is_bytes = format.is_bytes,
                .context = format.is_text ? std::size_t{1} : std::size_t{0}};
  std::uint32_t features = 0;  // CRCs of the training part
  std::uint32_t labels = 0;
  for (const DataPart part : {DataPart::kTrain, DataPart::kTest}) {
    const bool is_training = part == DataPart::kTrain;
    source.Read(part, [&](const Split& rows) {
      check.Take(part, rows);
      Append(rows, is_training ? data.train : data.test);
      if (!is_training || !format.identity.empty()) return;
      std::visit([&](const auto& values) { features = PackedCrc(BytesIn(values), features); },
                 rows.features);
      labels = PackedCrc(BytesIn(rows.labels), labels);
    });
  }
  check.Finish();
  data.constants = check.Constants();
  data.identity = format.identity.empty() ? IdentityOf(features, labels) : format.identity;
  return data;
}

}  // namespace ddl
