// SPDX-License-Identifier: Apache-2.0
#include "trainer/csv.h"

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "configs/error.h"
#include "trainer/csv_columns.h"
#include "trainer/csv_reader.h"

namespace ddl {

namespace {

class CsvSource : public RecordSource {
 public:
  CsvSource(std::string train, std::string test, CsvFormat format)
      : train_(std::move(train)), test_(std::move(test)), csv_(std::move(format)) {
    format_.name = "csv";
    ForEachRow(DataPart::kTrain, [this](const CsvReader& reader) {
      columns_->Learn(reader);
      ++format_.train_rows;
    });
    if (format_.train_rows == 0) throw Error("no rows", train_, "name a file that has some");
    columns_->Settle();
    format_.shape = {columns_->Features()};
    format_.classes = columns_->Classes();
    format_.has_real_targets = csv_.has_real_targets;
    format_.class_names = columns_->ClassNames();
    format_.feature_names = columns_->FeatureNames();
    if (test_.empty()) return;
    ForEachRow(DataPart::kTest, [this](const CsvReader&) { ++format_.test_rows; });
    if (format_.test_rows == 0) throw Error("no rows", test_, "name a file that has some");
  }

  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart part) const override {
    return part == DataPart::kTrain ? train_ : test_;
  }

  void Read(DataPart part, const Take& take) override {
    if (format_.Rows(part) == 0) return;
    const std::size_t features = format_.shape[0];
    const std::size_t most = RowsAtATime(features * sizeof(float));
    std::vector<float> values(most * features);
    std::vector<std::int32_t> labels;
    const auto hand = [&] {
      take({std::span<const float>(values).first(labels.size() * features), labels});
      labels.clear();
    };
    ForEachRow(part, [&](const CsvReader& reader) {
      const auto place = std::span(values).subspan(labels.size() * features, features);
      labels.push_back(columns_->Encode(reader, place));
      if (labels.size() == most) hand();
    });
    if (!labels.empty()) hand();
  }

 private:
  // Of rows that are kept. The first row of all settles what the columns are.
  void ForEachRow(DataPart part, const std::function<void(const CsvReader&)>& visit) {
    CsvReader reader(Where(part), csv_.delimiter);
    if (!reader.Next()) return;
    if (!columns_) columns_.emplace(csv_, reader);
    if (!columns_->IsHeader(reader) && columns_->IsKept(reader)) visit(reader);
    while (reader.Next()) {
      if (columns_->IsKept(reader)) visit(reader);
    }
  }

  std::string train_;
  std::string test_;
  CsvFormat csv_;
  std::optional<CsvColumns> columns_;
  RecordFormat format_;
};

}  // namespace

std::unique_ptr<RecordSource> OpenCsv(const std::string& train, const std::string& test,
                                      CsvFormat format) {
  return std::make_unique<CsvSource>(train, test, std::move(format));
}

}  // namespace ddl
