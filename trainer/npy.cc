// SPDX-License-Identifier: Apache-2.0
#include "trainer/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/whole_file.h"

namespace ddl {

namespace {

struct NpyFile {
  std::string type;  // "|u1", "<f4", …
  std::vector<std::size_t> dims;
  std::string bytes;        // the whole file
  std::size_t content = 0;  // where the elements begin

  template <class Element>
  [[nodiscard]] Element At(std::size_t index) const {
    Element element;
    std::memcpy(&element, bytes.data() + content + index * sizeof(Element), sizeof(Element));
    return element;
  }
};

[[noreturn]] void ThrowHeader(const std::string& path, std::string_view what) {
  throw Error(fmt::format("its header cannot be read: {}", what), path,
              "write the file with numpy.save");
}

// The text between the quotes or brackets that follow 'key':.
std::string HeaderValue(const std::string& header, std::string_view key, char open, char close,
                        const std::string& path) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string::npos) ThrowHeader(path, fmt::format("no {}", key));
  const std::size_t begin = header.find(open, at + key.size() + 3);
  const std::size_t end = begin == std::string::npos ? begin : header.find(close, begin + 1);
  if (end == std::string::npos) ThrowHeader(path, fmt::format("no value of {}", key));
  return header.substr(begin + 1, end - begin - 1);
}

std::vector<std::size_t> Dimensions(const std::string& text, const std::string& path) {
  std::vector<std::size_t> dims;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    std::size_t size = 0;
    const auto [rest, problem] = std::from_chars(at, end, size);
    if (problem != std::errc()) ThrowHeader(path, fmt::format("shape ({})", text));
    dims.push_back(size);
    at = rest;
  }
  return dims;
}

std::size_t ElementBytes(const std::string& type) {
  static const std::array<std::pair<std::string_view, std::size_t>, 6> kTypes{
      {{"|u1", 1}, {"<f4", 4}, {"<f8", 8}, {"<i4", 4}, {"<i8", 8}, {"|b1", 1}}};
  const auto* found =
      std::ranges::find(kTypes, type, &std::pair<std::string_view, std::size_t>::first);
  return found == kTypes.end() ? 0 : found->second;
}

std::string HeaderText(NpyFile& file, const std::string& path) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  const std::string& bytes = file.bytes;
  if (!bytes.starts_with(kMagic) || bytes.size() < 12) {
    throw Error("not a .npy file", path, "write it with numpy.save; .npz archives are not read");
  }
  const bool is_first = bytes[6] == 1;
  if (bytes[6] < 1 || bytes[6] > 3) ThrowHeader(path, "unknown version");
  std::uint32_t size = 0;
  std::memcpy(&size, bytes.data() + 8, is_first ? 2 : 4);
  const std::size_t begin = is_first ? 10 : 12;
  if (size > bytes.size() - begin) ThrowHeader(path, "it is truncated");
  file.content = begin + size;
  return bytes.substr(begin, size);
}

NpyFile ReadFile(const std::string& path) {
  NpyFile file{.bytes = ReadWholeFile(path)};
  const std::string header = HeaderText(file, path);
  file.type = HeaderValue(header, "descr", '\'', '\'', path);
  file.dims = Dimensions(HeaderValue(header, "shape", '(', ')', path), path);
  if (header.find("'fortran_order': True") != std::string::npos) {
    throw Error("stored in Fortran order", path, "save numpy.ascontiguousarray(x)");
  }
  const std::size_t each = ElementBytes(file.type);
  if (each == 0) {
    throw Error(fmt::format("elements of type {} are not read", file.type), path,
                "save as uint8, float32, float64, int32 or int64, little-endian");
  }
  std::size_t bytes = each;
  for (const std::size_t size : file.dims) {
    if (size != 0 && bytes > std::numeric_limits<std::size_t>::max() / size) {
      ThrowHeader(path, "its shape is too large");
    }
    bytes *= size;
  }
  const std::size_t there = file.bytes.size() - file.content;
  if (there != bytes) {
    throw Error(fmt::format("{} bytes of elements, but shape ({}) of {} needs {}", there,
                            fmt::join(file.dims, ", "), file.type, bytes),
                path, there < bytes ? "truncated: save it again" : "save it again");
  }
  return file;
}

std::vector<float> Reals(const NpyFile& file, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (file.type == "<f4") values[i] = file.At<float>(i);
    if (file.type == "<f8") values[i] = static_cast<float>(file.At<double>(i));
    if (file.type == "<i4") values[i] = static_cast<float>(file.At<std::int32_t>(i));
    if (file.type == "<i8") values[i] = static_cast<float>(file.At<std::int64_t>(i));
  }
  return values;
}

std::vector<std::int32_t> ClassNumbers(const NpyFile& file, const std::string& path) {
  std::vector<std::int32_t> labels(file.dims.empty() ? 0 : file.dims[0]);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::int64_t label = 0;
    if (file.type == "|u1" || file.type == "|b1") label = file.At<std::uint8_t>(i);
    if (file.type == "<i4") label = file.At<std::int32_t>(i);
    if (file.type == "<i8") label = file.At<std::int64_t>(i);
    if (label < 0 || label > std::numeric_limits<std::int32_t>::max()) {
      throw Error(fmt::format("row {}: label {} is not a class number", i + 1, label), path,
                  "labels are whole numbers from 0");
    }
    labels[i] = static_cast<std::int32_t>(label);
  }
  return labels;
}

}  // namespace

Records ReadNpy(const NpyPair& files, std::vector<std::size_t>& shape, bool& is_bytes) {
  const NpyFile features = ReadFile(files.features);
  const NpyFile labels = ReadFile(files.labels);
  if (features.dims.size() < 2 || features.type == "|b1") {
    throw Error(fmt::format("not features: shape ({}) of {}", fmt::join(features.dims, ", "),
                            features.type),
                files.features, "numbers of two or more dimensions are");
  }
  if (labels.dims.size() != 1 || labels.type[1] == 'f') {
    throw Error(
        fmt::format("not labels: shape ({}) of {}", fmt::join(labels.dims, ", "), labels.type),
        files.labels, "whole numbers of one dimension are");
  }
  if (features.dims[0] != labels.dims[0]) {
    throw Error(fmt::format("{} rows, but {} labels", features.dims[0], labels.dims[0]),
                files.labels, "name files that belong together: " + files.features);
  }
  const std::vector<std::size_t> own(features.dims.begin() + 1, features.dims.end());
  const bool own_bytes = features.type == "|u1";
  if (!shape.empty() && (own != shape || own_bytes != is_bytes)) {
    throw Error(fmt::format("records of [{}] of {} differ from the training part's",
                            fmt::join(own, ", "), features.type),
                files.features, "training and test data must have one shape and type");
  }
  shape = own;
  is_bytes = own_bytes;
  Records records;
  records.labels = ClassNumbers(labels, files.labels);
  if (is_bytes) {
    records.bytes.assign(features.bytes.begin() + static_cast<std::ptrdiff_t>(features.content),
                         features.bytes.end());
  } else {
    records.reals =
        Reals(features, (features.bytes.size() - features.content) / ElementBytes(features.type));
  }
  return records;
}

}  // namespace ddl
