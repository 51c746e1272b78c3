// SPDX-License-Identifier: Apache-2.0
#include "trainer/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include "configs/error.h"

namespace ddl {

namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr std::uint8_t kInt32 = 0x0C;
constexpr std::uint8_t kFloat32 = 0x0D;
constexpr std::size_t kMostBytes = std::size_t{1} << 40U;

// Reads plain files as they are and gzip ones unpacked.
class MaybeGzip {
 public:
  explicit MaybeGzip(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) throw SystemError("cannot read", path, "check the name");
    gzbuffer(file_, 1U << 18U);
  }
  MaybeGzip(const MaybeGzip&) = delete;
  MaybeGzip& operator=(const MaybeGzip&) = delete;
  ~MaybeGzip() { gzclose(file_); }

  // Fills `out` wholly or throws.
  void Read(std::span<std::uint8_t> out) {
    while (!out.empty()) {
      const std::size_t got = ReadSome(out);
      if (got == 0) {
        throw Error(
            fmt::format("truncated: ends at byte {}, {} bytes are missing", at_, out.size()), path_,
            "get the file again");
      }
      out = out.subspan(got);
    }
  }
  [[nodiscard]] bool IsAtEnd() {
    std::array<std::uint8_t, 1> more{};
    return ReadSome(more) == 0;
  }
  [[nodiscard]] std::size_t At() const { return at_; }

 private:
  std::size_t ReadSome(std::span<std::uint8_t> out) {
    constexpr std::size_t kMost = std::size_t{1} << 30U;
    const int got = gzread(file_, out.data(), static_cast<unsigned>(std::min(out.size(), kMost)));
    int problem = Z_OK;
    const char* text = gzerror(file_, &problem);
    if (problem == Z_ERRNO) throw SystemError("cannot read", path_, "check the file and the disk");
    if (problem != Z_OK && problem != Z_STREAM_END && problem != Z_BUF_ERROR) {
      throw Error(fmt::format("corrupt gzip data after byte {} of its content: {}", at_, text),
                  path_, "get the file again");
    }
    if (got <= 0) return 0;
    at_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }

  const std::string& path_;
  gzFile file_;
  std::size_t at_ = 0;
};

struct IdxFile {
  std::uint8_t type = 0;
  std::vector<std::size_t> dims;
  std::vector<std::uint8_t> content;  // big-endian elements
};

std::uint32_t BigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
         std::uint32_t{bytes[2]} << 8U | std::uint32_t{bytes[3]};
}

IdxFile ReadHeader(MaybeGzip& file, const std::string& path) {
  std::array<std::uint8_t, 4> magic{};
  file.Read(magic);
  IdxFile idx{.type = magic[2]};
  const bool is_known = idx.type == kUnsignedByte || idx.type == kInt32 || idx.type == kFloat32;
  if (magic[0] != 0 || magic[1] != 0 || magic[3] == 0 || magic[3] > 8) {
    throw Error(fmt::format("not an IDX file: begins with {:02x}", fmt::join(magic, " ")), path,
                "an IDX file begins with 00 00, the type and the number of dimensions");
  }
  if (!is_known) {
    throw Error(fmt::format("elements of type {:#04x} are not read", idx.type), path,
                "unsigned bytes (0x08), 32-bit integers (0x0c) and floats (0x0d) are");
  }
  std::size_t bytes = idx.type == kUnsignedByte ? 1 : 4;
  for (int i = 0; i < magic[3]; ++i) {
    std::array<std::uint8_t, 4> size{};
    file.Read(size);
    idx.dims.push_back(BigEndian(size.data()));
    if (idx.dims.back() != 0 && bytes > kMostBytes / idx.dims.back()) {
      throw Error(fmt::format("too large: [{}]", fmt::join(idx.dims, ", ")), path,
                  "is the header whole?");
    }
    bytes *= idx.dims.back();
  }
  // In pieces that double: a wrong header must not take memory that the file does not fill.
  constexpr std::size_t kFirstPiece = std::size_t{1} << 16U;
  while (idx.content.size() < bytes) {
    const std::size_t before = idx.content.size();
    idx.content.resize(std::min(bytes, std::max(kFirstPiece, 2 * before)));
    file.Read(std::span(idx.content).subspan(before));
  }
  return idx;
}

IdxFile ReadWhole(const std::string& path) {
  MaybeGzip file(path);
  IdxFile idx = ReadHeader(file, path);
  if (!file.IsAtEnd()) {
    throw Error(fmt::format("bytes are left over from byte {} on", file.At() - 1), path,
                "its header says that it is shorter: get the file again");
  }
  return idx;
}

std::vector<float> Floats(const IdxFile& idx) {
  std::vector<float> values(idx.content.size() / 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::bit_cast<float>(BigEndian(idx.content.data() + i * 4));
  }
  return values;
}

std::vector<std::int32_t> Labels(const IdxFile& idx) {
  if (idx.type == kUnsignedByte) return {idx.content.begin(), idx.content.end()};
  std::vector<std::int32_t> labels(idx.content.size() / 4);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = std::bit_cast<std::int32_t>(BigEndian(idx.content.data() + i * 4));
  }
  return labels;
}

}  // namespace

Records ReadIdx(const IdxPair& files, std::vector<std::size_t>& shape, bool& is_bytes) {
  IdxFile features = ReadWhole(files.features);
  const IdxFile labels = ReadWhole(files.labels);
  if (features.type == kInt32 || features.dims.size() < 2) {
    throw Error("not features", files.features, "bytes or floats of two or more dimensions are");
  }
  if (labels.type == kFloat32 || labels.dims.size() != 1) {
    throw Error("not labels", files.labels, "bytes or integers of one dimension are");
  }
  if (features.dims[0] != labels.dims[0]) {
    throw Error(fmt::format("{} rows, but {} labels", features.dims[0], labels.dims[0]),
                files.labels, "name files that belong together: " + files.features);
  }
  const std::vector<std::size_t> own(features.dims.begin() + 1, features.dims.end());
  if (!shape.empty() && own != shape) {
    throw Error(fmt::format("records of [{}], but [{}] before", fmt::join(own, ", "),
                            fmt::join(shape, ", ")),
                files.features, "training and test data must have one shape");
  }
  shape = own;
  is_bytes = features.type == kUnsignedByte;
  Records records;
  records.labels = Labels(labels);
  if (is_bytes) {
    records.bytes = std::move(features.content);
  } else {
    records.reals = Floats(features);
  }
  return records;
}

}  // namespace ddl
