// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "configs/json.h"
#include "trainer/packed_file.h"
#include "trainer/packed_layout.h"
#include "trainer/record_check.h"
#include "trainer/target.h"

namespace ddl {

namespace {

// What a header says that its file cannot hold, or no data can be. Never leaves this file.
class DamagedFile : public std::exception {
 public:
  explicit DamagedFile(std::string why = "its header does not fit its content")
      : why_(std::move(why)) {}
  [[nodiscard]] const std::string& Why() const { return why_; }

 private:
  std::string why_;
};

std::size_t Product(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw DamagedFile();
  return product;
}

template <class Element>
std::span<const Element> PartAt(std::string_view file, const Json& offset_json, std::size_t count) {
  const auto offset = WholeNumber<std::size_t>(offset_json);
  const bool lies_within = offset % alignof(Element) == 0 && offset <= file.size() &&
                           count <= (file.size() - offset) / sizeof(Element);
  if (!lies_within) throw DamagedFile();
  return {reinterpret_cast<const Element*>(file.data() + offset), count};
}

Split SplitAt(std::string_view file, const Json& header, const Dataset& set, std::size_t first_part,
              const char* rows_key) {
  const auto rows = WholeNumber<std::size_t>(header.at(rows_key));
  const std::size_t values = Product(rows, set.features);
  const Json& offsets = header.at("offsets");
  Split split;
  if (header.at("is_bytes").get<bool>()) {
    split.features = PartAt<std::uint8_t>(file, offsets.at(first_part), values);
  } else {
    split.features = PartAt<float>(file, offsets.at(first_part), values);
  }
  // A label indexes the outputs of a network, a token the rows of its embedding; other features do
  // not index anything.
  if (header.value("is_text", false)) {
    const auto* tokens = std::get_if<std::span<const std::uint8_t>>(&split.features);
    const auto is_token = [&set](std::uint8_t token) { return token < set.classes; };
    if (tokens == nullptr || !std::ranges::all_of(*tokens, is_token)) throw DamagedFile();
    return split;
  }
  split.labels = PartAt<std::int32_t>(file, offsets.at(first_part + 1), rows);
  const auto is_good = [&set](std::int32_t label) {
    if (set.has_real_targets) return IsFiniteTarget(label);
    return label >= 0 && static_cast<std::size_t>(label) < set.classes;
  };
  if (!std::ranges::all_of(split.labels, is_good)) throw DamagedFile();
  return split;
}

std::array<std::uint32_t, 4> CrcsOf(const Json& header) {
  std::array<std::uint32_t, 4> crcs{};
  for (std::size_t i = 0; i < crcs.size(); ++i) {
    crcs[i] = WholeNumber<std::uint32_t>(header.at("crcs").at(i));
  }
  return crcs;
}

// As RecordCheck judges what is packed.
void CheckSizes(const Json& header, const Dataset& set) {
  const auto train_rows = WholeNumber<std::size_t>(header.at("train_rows"));
  const auto test_rows = WholeNumber<std::size_t>(header.at("test_rows"));
  const std::size_t least = set.has_real_targets ? 1 : 2;
  const std::size_t most = set.has_real_targets ? 1 : kMostClasses;
  if (set.features == 0) throw DamagedFile("its rows have no features");
  if (set.features > kMostRowsOfPart) {
    throw DamagedFile(fmt::format("its rows have {} features", set.features));
  }
  if (train_rows == 0) throw DamagedFile("it has no training rows");
  if (set.classes < least || set.classes > most) {
    throw DamagedFile(fmt::format("it has {} classes", set.classes));
  }
  for (const std::size_t rows : {train_rows, test_rows}) {
    if (rows > kMostRowsOfPart) throw DamagedFile(fmt::format("a part of it has {} rows", rows));
  }
  if (set.context == 0 || train_rows + test_rows <= kMostRowsOfPart) return;
  throw DamagedFile(fmt::format("its text has {} tokens", train_rows + test_rows));
}

Dataset DatasetOf(std::unique_ptr<const DatasetMemory> memory, std::string_view file,
                  const Json& header) {
  Dataset set;
  set.file_crcs = CrcsOf(header);
  set.identity = IdentityOf(set.file_crcs[0], set.file_crcs[1]);
  set.name = header.at("name").get<std::string>();
  set.features = 1;
  for (const Json& size : header.at("shape")) {
    set.shape.push_back(WholeNumber<std::size_t>(size));
    set.features = Product(set.features, set.shape.back());
  }
  set.classes = WholeNumber<std::size_t>(header.at("classes"));
  set.has_real_targets = header.value("has_real_targets", false);
  set.class_names = header.at("class_names").get<std::vector<std::string>>();
  set.context = header.value("is_text", false) ? set.features : 0;
  CheckSizes(header, set);
  const Json& constants = header.at("constants");
  set.constants = {.count = WholeNumber<std::size_t>(constants.at("count")),
                   .names = constants.at("names").get<std::vector<std::string>>()};
  set.train = SplitAt(file, header, set, 0, "train_rows");
  set.test = SplitAt(file, header, set, 2, "test_rows");
  set.memory = std::move(memory);
  return set;
}

template <class Element>
std::uint32_t CrcOf(const MappedFile& file, std::span<const Element> elements) {
  constexpr std::size_t kPiece = std::size_t{1} << 22U;
  const std::string_view all = BytesIn(elements);
  std::uint32_t crc = 0;
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    if (at == 0) file.Want(all.substr(0, kPiece));
    if (at + kPiece < all.size()) file.Want(all.substr(at + kPiece, kPiece));
    crc = PackedCrc(all.substr(at, kPiece), crc);
    file.GiveUp(all.substr(at, kPiece));
  }
  return crc;
}

}  // namespace

std::variant<Dataset, DamagedData> MapPacked(const std::filesystem::path& path) {
  std::optional<MappedFile> mapped = MappedFile::Open(path);
  if (!mapped) return DamagedData{"it cannot be read, or is empty"};
  const std::size_t bytes = mapped->Bytes().size();
  auto memory = std::make_unique<const DatasetMemory>(*std::move(mapped));
  const std::string_view file = memory->File()->Bytes();
  const std::size_t end = file.substr(0, kMostHeaderBytes).find('\n');
  if (end == std::string_view::npos || !file.starts_with('{')) {
    return DamagedData{"it does not begin with a header"};
  }
  try {
    const Json whole = ParseJson(file.substr(0, end), path.string());
    const Json& header = whole.at("header");
    if (WholeNumber<std::uint32_t>(whole.at("crc")) != PackedCrc(DumpJson(header))) {
      return DamagedData{"its header is damaged"};
    }
    if (header.at("version") != kPackedVersion) {
      return DamagedData{fmt::format("its format is version {}, and {} is read",
                                     DumpJson(header.at("version")), kPackedVersion)};
    }
    if (const auto wanted = WholeNumber<std::size_t>(header.at("bytes")); wanted != bytes) {
      return DamagedData{fmt::format("it has {} bytes, and its header says {}", bytes, wanted)};
    }
    Dataset set = DatasetOf(std::move(memory), file, header);
    set.file = path;
    return set;
  } catch (const DamagedFile& damaged) {
    return DamagedData{damaged.Why()};
  } catch (const std::exception&) {
    return DamagedData{DamagedFile().Why()};
  }
}

std::string DamageOfParts(const Dataset& set) {
  constexpr std::array kNames{"training features", "training labels", "test features",
                              "test labels"};
  const MappedFile& file = *set.memory->File();
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const Split& split = i < 2 ? set.train : set.test;
    const std::uint32_t crc =
        i % 2 == 1 ? CrcOf(file, split.labels)
                   : std::visit([&file](const auto& values) { return CrcOf(file, values); },
                                split.features);
    if (crc != set.file_crcs[i]) return fmt::format("its {} are damaged", kNames[i]);
  }
  return "";
}

}  // namespace ddl
