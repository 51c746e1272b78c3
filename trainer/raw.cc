// SPDX-License-Identifier: Apache-2.0
#include "trainer/raw.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/plain_file.h"
#include "trainer/record_check.h"

namespace ddl {

namespace {

class RawSource : public RecordSource {
 public:
  RawSource(RawFiles files, RawLayout layout)
      : files_(std::move(files)), layout_(std::move(layout)) {
    format_ = {.name = "raw",
               .shape = layout_.shape,
               .classes = layout_.classes,
               .class_names = layout_.class_names,
               .is_bytes = layout_.features.type == ElementType::kU1};
    if (layout_.planes_first)
      format_.shape = {layout_.shape[1], layout_.shape[2], layout_.shape[0]};
    format_.train_rows = RowsOf(files_.train, files_.train_labels);
    if (!files_.test.empty()) format_.test_rows = RowsOf(files_.test, files_.test_labels);
  }

  [[nodiscard]] const RecordFormat& Format() const override { return format_; }
  [[nodiscard]] std::string Where(DataPart part) const override {
    return part == DataPart::kTrain ? files_.train : files_.test;
  }

  void Read(DataPart part, const Take& take) override {
    if (format_.Rows(part) == 0) return;
    const bool is_training = part == DataPart::kTrain;
    PlainFile records(Where(part));
    records.Seek(layout_.header_bytes);
    std::optional<PlainFile> labels;
    if (layout_.place == LabelPlace::kFile) {
      labels.emplace(is_training ? files_.train_labels : files_.test_labels);
    }
    const std::string& label_path =
        labels ? (is_training ? files_.train_labels : files_.test_labels) : Where(part);
    const std::size_t most = RowsAtATime(layout_.RecordBytes());
    for (std::size_t first = 0; first < format_.Rows(part); first += most) {
      const std::size_t count = std::min(most, format_.Rows(part) - first);
      ReadRecords(records, labels, count);
      for (std::size_t i = 0; i < count; ++i) {
        CheckLabel(wide_[i], first + i, layout_.classes, label_path);
      }
      Hand(take);
    }
  }

 private:
  std::size_t RowsOf(const std::string& path, const std::string& label_path) const {
    const std::size_t size = PlainFile(path).Size();
    const std::size_t record = layout_.RecordBytes();
    if (size < layout_.header_bytes || (size - layout_.header_bytes) % record != 0) {
      const std::size_t body = size < layout_.header_bytes ? 0 : size - layout_.header_bytes;
      throw Error(fmt::format("{} bytes are {} behind {} records of {}", size, body % record,
                              body / record, record),
                  path, "do dtype, shape, label and header_bytes of its sidecar fit the file?");
    }
    const std::size_t rows = (size - layout_.header_bytes) / record;
    if (layout_.place != LabelPlace::kFile) return rows;
    const std::size_t label_size = PlainFile(label_path).Size();
    if (label_size == rows * layout_.label.Bytes()) return rows;
    throw Error(fmt::format("{} bytes of labels, but {} rows of {} need {}", label_size, rows,
                            NameOf(layout_.label.type), rows * layout_.label.Bytes()),
                label_path, "name files that belong together: " + path);
  }

  // Fills bytes_ with features alone, and wide_ with labels.
  void ReadRecords(PlainFile& records, std::optional<PlainFile>& label_file, std::size_t count) {
    const std::size_t record = layout_.RecordBytes();
    const std::size_t features = layout_.FeatureBytes();
    const std::size_t label = layout_.label.Bytes();
    wide_.resize(count);
    bytes_.resize(count * features);
    label_bytes_.resize(count * label);
    if (label_file) {
      records.Read(bytes_);
      label_file->Read(label_bytes_);
    } else {
      stored_.resize(count * record);
      records.Read(stored_);
      const bool is_before = layout_.place == LabelPlace::kBefore;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* row = stored_.data() + i * record;
        std::copy_n(row + (is_before ? label : 0), features, bytes_.data() + i * features);
        std::copy_n(row + (is_before ? 0 : features), label, label_bytes_.data() + i * label);
      }
    }
    DecodeWhole(layout_.label, label_bytes_, wide_);
    if (layout_.planes_first) Interleave(count);
  }

  // [channels, pixels] of each record to [pixels, channels].
  void Interleave(std::size_t count) {
    const std::size_t channels = layout_.shape[0];
    const std::size_t pixels = layout_.shape[1] * layout_.shape[2];
    const std::size_t each = layout_.features.Bytes();
    std::vector<std::uint8_t> plane_first(layout_.FeatureBytes());
    for (std::size_t row = 0; row < count; ++row) {
      std::uint8_t* place = bytes_.data() + row * plane_first.size();
      std::copy_n(place, plane_first.size(), plane_first.data());
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        for (std::size_t channel = 0; channel < channels; ++channel, place += each) {
          std::copy_n(plane_first.data() + (channel * pixels + pixel) * each, each, place);
        }
      }
    }
  }

  void Hand(const Take& take) {
    labels_.assign(wide_.begin(), wide_.end());
    if (format_.is_bytes) {
      take({std::span<const std::uint8_t>(bytes_), labels_});
      return;
    }
    reals_.resize(bytes_.size() / layout_.features.Bytes());
    DecodeReals(layout_.features, bytes_, reals_);
    take({std::span<const float>(reals_), labels_});
  }

  RawFiles files_;
  RawLayout layout_;
  RecordFormat format_;
  std::vector<std::uint8_t> stored_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint8_t> label_bytes_;
  std::vector<std::int64_t> wide_;
  std::vector<std::int32_t> labels_;
  std::vector<float> reals_;
};

}  // namespace

std::unique_ptr<RecordSource> OpenRaw(const RawFiles& files, RawLayout layout) {
  return std::make_unique<RawSource>(files, std::move(layout));
}

}  // namespace ddl
