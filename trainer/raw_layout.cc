// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/json_section.h"
#include "trainer/raw.h"
#include "trainer/record_check.h"

namespace ddl {

namespace {

constexpr std::size_t kMostRecordBytes = std::size_t{1} << 30U;

ElementFormat ReadElement(JsonSection& section, bool is_label, bool is_big_endian) {
  constexpr std::array<std::string_view, 7> kFeatures{"u1", "i2", "u2", "i4", "i8", "f4", "f8"};
  const auto choices = std::span(kFeatures).first(is_label ? 5 : kFeatures.size());
  if (!is_label && !section.Has("dtype")) {
    throw Error("no type of the features", section.Name("dtype"),
                "write u1, i2, u2, i4, i8, f4 or f8: a kind and the bytes of one");
  }
  const std::string_view name = choices[section.Choice("dtype", 0, choices)];
  return {.type = *ElementTypeOf(name), .is_big_endian = is_big_endian};
}

void ReadShape(JsonSection& section, RawLayout& layout) {
  layout.shape = section.Counts("shape");
  if (layout.shape.empty()) {
    throw Error("no shape of a record", section.Name("shape"), "write [28, 28] or [17]");
  }
  std::size_t bytes = layout.features.Bytes();
  for (const std::size_t size : layout.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes) || bytes > kMostRecordBytes) {
      throw Error("records of more than 1 GiB", section.Name("shape"), "is it the shape of one?");
    }
  }
  layout.planes_first = section.Flag("planes_first", false);
  if (layout.planes_first && layout.shape.size() != 3) {
    throw Error("planes of records that are not [channels, height, width]",
                section.Name("planes_first"), "give three sizes, or leave it away");
  }
}

void ReadLabel(JsonSection section, bool is_big_endian, RawLayout& layout) {
  constexpr std::array<std::string_view, 3> kPlaces{"before", "behind", "file"};
  layout.place = static_cast<LabelPlace>(section.Choice("place", 0, kPlaces));
  layout.label = ReadElement(section, true, is_big_endian);
  section.Finish();
}

// The last keys of the mapping.
void ReadClasses(JsonSection& section, RawLayout& layout) {
  const Json& names = section.Raw("class_names");
  layout.classes = section.Count("classes", names.is_array() ? names.size() : 0);
  section.Finish();  // before a misspelt key is told as a missing one
  std::set<std::string> seen;
  for (const Json& name : names) {
    if (!name.is_string() || !seen.insert(name.get<std::string>()).second) {
      throw Error(fmt::format("{} is no name, or is there twice", DumpJson(name)),
                  section.Name("class_names"), "write a text of its own for each class");
    }
    layout.class_names.push_back(name.get<std::string>());
  }
  const bool fits = layout.class_names.empty() || layout.class_names.size() == layout.classes;
  if (layout.classes >= 2 && layout.classes <= kMostClasses && fits && !names.is_object()) return;
  throw Error(
      fmt::format("{} classes with {} names", layout.classes, layout.class_names.size()),
      section.Name("classes"),
      fmt::format("say how many there are, 2 to {}, or name each in class_names", kMostClasses));
}

}  // namespace

std::size_t RawLayout::FeatureBytes() const {
  std::size_t bytes = features.Bytes();
  for (const std::size_t size : shape) {
    bytes *= size;
  }
  return bytes;
}

std::size_t RawLayout::RecordBytes() const {
  return FeatureBytes() + (place == LabelPlace::kFile ? 0 : label.Bytes());
}

RawLayout ReadRawLayout(const Json& sidecar, const std::string& path) {
  constexpr std::array<std::string_view, 2> kOrders{"little", "big"};
  if (!sidecar.is_object()) {
    throw Error("not a mapping", path,
                R"(write {"dtype": "u1", "shape": [28, 28], "classes": 10})");
  }
  JsonSection section(sidecar, path);
  RawLayout layout;
  const bool is_big_endian = section.Choice("byte_order", 0, kOrders) == 1;
  layout.features = ReadElement(section, false, is_big_endian);
  ReadShape(section, layout);
  ReadLabel(section.Below("label"), is_big_endian, layout);
  layout.header_bytes = section.Count("header_bytes", 0);
  ReadClasses(section, layout);
  return layout;
}

}  // namespace ddl
