// SPDX-License-Identifier: Apache-2.0
#include "trainer/idx.h"

#include <algorithm>
#include <array>
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

  // Fills `out` wholly or throws; `left` bytes of the file are still expected.
  void Read(std::span<std::uint8_t> out, std::size_t left) {
    while (!out.empty()) {
      const std::size_t got = ReadSome(out);
      if (got == 0) {
        throw Error(fmt::format("truncated: ends at byte {}, {} bytes are missing", at_, left),
                    path_, "get the file again");
      }
      out = out.subspan(got);
      left -= got;
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

std::uint32_t BigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U |
         std::uint32_t{bytes[2]} << 8U | std::uint32_t{bytes[3]};
}

class IdxStream : public ElementStream {
 public:
  explicit IdxStream(const std::string& path) : ElementStream(path), file_(path_) {
    std::array<std::uint8_t, 4> magic{};
    file_.Read(magic, magic.size());
    if (magic[0] != 0 || magic[1] != 0 || magic[3] == 0 || magic[3] > 8) {
      throw Error(fmt::format("not an IDX file: begins with {:02x}", fmt::join(magic, " ")), path,
                  "an IDX file begins with 00 00, the type and the number of dimensions");
    }
    format_ = {.type = TypeOf(magic[2]), .is_big_endian = true};
    ReadDims(magic[3]);
  }

  void Read(std::span<std::uint8_t> out) override {
    file_.Read(out, left_);
    left_ -= out.size();
  }
  void Finish() override {
    if (file_.IsAtEnd()) return;
    throw Error(fmt::format("bytes are left over from byte {} on", file_.At() - 1), path_,
                "its header says that it is shorter: get the file again");
  }

 private:
  [[nodiscard]] ElementType TypeOf(std::uint8_t code) const {
    if (code == kUnsignedByte) return ElementType::kU1;
    if (code == kInt32) return ElementType::kI4;
    if (code == kFloat32) return ElementType::kF4;
    throw Error(fmt::format("elements of type {:#04x} are not read", code), path_,
                "unsigned bytes (0x08), 32-bit integers (0x0c) and floats (0x0d) are");
  }

  void ReadDims(std::uint8_t count) {
    left_ = format_.Bytes();
    for (std::uint8_t i = 0; i < count; ++i) {
      std::array<std::uint8_t, 4> size{};
      file_.Read(size, size.size());
      dims_.push_back(BigEndian(size.data()));
      if (dims_.back() != 0 && left_ > kMostBytes / dims_.back()) {
        throw Error(fmt::format("too large: [{}]", fmt::join(dims_, ", ")), path_,
                    "is the header whole?");
      }
      left_ *= dims_.back();
    }
  }

  MaybeGzip file_;
  std::size_t left_ = 0;  // bytes of elements
};

}  // namespace

std::unique_ptr<ElementStream> OpenIdx(const std::string& path) {
  return std::make_unique<IdxStream>(path);
}

}  // namespace ddl
