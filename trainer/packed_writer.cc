// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "configs/error.h"
#include "configs/json.h"
#include "trainer/durable_file.h"
#include "trainer/packed_file.h"
#include "trainer/packed_layout.h"
#include "trainer/record_check.h"

namespace ddl {

namespace {

// One of the four parts: written from its offset on, piece by piece.
struct PartWriter {
  std::size_t at = 0;
  std::size_t end = 0;
  std::uint32_t crc = 0;

  void Write(DurableFile& file, std::string_view bytes) {
    if (bytes.size() > end - at) {
      throw Error("more rows than were counted", "", "has it changed while it was read?");
    }
    file.WriteAt(at, bytes);
    at += bytes.size();
    crc = PackedCrc(bytes, crc);
  }
};

class PackedWriter {
 public:
  PackedWriter(const std::filesystem::path& path, RecordSource& source)
      : path_(path), source_(source), format_(source.Format()), check_(source) {}

  void Write() {
    LayOut();
    DurableFile file(path_);
    for (const DataPart part : {DataPart::kTrain, DataPart::kTest}) {
      const std::size_t first = part == DataPart::kTrain ? 0 : 2;
      source_.Read(part, [&](const Split& rows) {
        check_.Take(part, rows);
        std::visit([&](const auto& values) { parts_[first].Write(file, BytesIn(values)); },
                   rows.features);
        parts_[first + 1].Write(file, BytesIn(rows.labels));
      });
    }
    check_.Finish();
    file.Resize(bytes_);
    file.WriteAt(0, HeaderText(check_.Constants()));
    file.Keep();
  }

 private:
  // Where each part lies, behind a header that no number can outgrow.
  void LayOut() {
    constexpr std::size_t kRoom = 4096;  // for names of constant features and longer numbers
    const std::size_t header = HeaderText({}).size() + kRoom;
    std::size_t at = (header + kPackedPage - 1) / kPackedPage * kPackedPage;
    const std::size_t value = format_.is_bytes ? sizeof(std::uint8_t) : sizeof(float);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const std::size_t rows = format_.Rows(i < 2 ? DataPart::kTrain : DataPart::kTest);
      const bool is_labels = i % 2 == 1;
      std::size_t each = is_labels ? sizeof(std::int32_t) : value;
      if (is_labels && format_.is_text) each = 0;
      std::size_t bytes = 0;
      if (__builtin_mul_overflow(rows, is_labels ? each : each * format_.Features(), &bytes) ||
          bytes > kMostPackedBytes) {
        throw Error(fmt::format("{} rows of {} values", rows, format_.Features()),
                    source_.Where(DataPart::kTrain), "is its header whole?");
      }
      parts_[i] = {.at = at, .end = at + bytes};
      offsets_[i] = at;
      at = (at + bytes + kPackedAlign - 1) / kPackedAlign * kPackedAlign;
    }
    bytes_ = at;
  }

  [[nodiscard]] std::string HeaderText(const ConstantFeatures& constants) const {
    std::array<std::uint32_t, 4> crcs{};
    for (std::size_t i = 0; i < crcs.size(); ++i) {
      crcs[i] = parts_[i].crc;
    }
    Json header{{"version", kPackedVersion},
                {"name", format_.name},
                {"shape", format_.shape},
                {"classes", format_.classes},
                {"class_names", format_.class_names},
                {"is_bytes", format_.is_bytes},
                {"is_text", format_.is_text},
                {"train_rows", format_.train_rows},
                {"test_rows", format_.test_rows},
                {"constants", {{"count", constants.count}, {"names", constants.names}}},
                {"offsets", offsets_},
                {"crcs", crcs},
                {"bytes", bytes_}};
    if (format_.has_real_targets) header["has_real_targets"] = true;
    const Json whole{{"header", header}, {"crc", PackedCrc(DumpJson(header))}};
    std::string text = DumpJson(whole);
    // Before anything is laid out there is no telling where the header ends.
    if (offsets_[0] == 0) return text;
    if (text.size() + 1 > offsets_[0]) {
      throw Error("the names of constant features are too long", source_.Where(DataPart::kTrain),
                  "give shorter names to the columns");
    }
    text.resize(offsets_[0] - 1, ' ');
    return text + "\n";
  }

  const std::filesystem::path& path_;
  RecordSource& source_;
  const RecordFormat& format_;
  RecordCheck check_;
  std::array<PartWriter, 4> parts_;
  std::array<std::size_t, 4> offsets_{};
  std::size_t bytes_ = 0;
};

}  // namespace

std::uint32_t PackedCrc(std::string_view bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string IdentityOf(std::uint32_t features, std::uint32_t labels) {
  return fmt::format("features {:08x}, labels {:08x}", features, labels);
}

void WritePacked(const std::filesystem::path& path, RecordSource& source) {
  PackedWriter(path, source).Write();
}

}  // namespace ddl
