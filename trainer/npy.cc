// SPDX-License-Identifier: Apache-2.0
#include "trainer/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "configs/error.h"
#include "trainer/plain_file.h"

namespace ddl {

namespace {

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

// "|u1", "<f4"; nothing for what is not read.
std::optional<ElementType> NpyType(const std::string& descr) {
  constexpr std::array<std::string_view, 6> kRead{"|u1", "<f4", "<f8", "<i4", "<i8", "|b1"};
  if (std::ranges::find(kRead, descr) == kRead.end()) return std::nullopt;
  return ElementTypeOf(std::string_view(descr).substr(1));
}

class NpyStream : public ElementStream {
 public:
  explicit NpyStream(const std::string& path) : ElementStream(path), file_(path) {
    const std::string header = HeaderText();
    const std::string descr = HeaderValue(header, "descr", '\'', '\'', path);
    dims_ = Dimensions(HeaderValue(header, "shape", '(', ')', path), path);
    if (header.find("'fortran_order': True") != std::string::npos) {
      throw Error("stored in Fortran order", path, "save numpy.ascontiguousarray(x)");
    }
    const std::optional<ElementType> type = NpyType(descr);
    if (!type) {
      throw Error(fmt::format("elements of type {} are not read", descr), path,
                  "save as uint8, float32, float64, int32 or int64, little-endian");
    }
    format_ = {.type = *type};
    CheckSize(descr);
  }

  void Read(std::span<std::uint8_t> out) override { file_.Read(out); }
  void Finish() override {}  // the size was judged

 private:
  void CheckSize(const std::string& descr) const {
    std::size_t bytes = format_.Bytes();
    for (const std::size_t size : dims_) {
      if (__builtin_mul_overflow(bytes, size, &bytes)) {
        ThrowHeader(path_, "its shape is too large");
      }
    }
    const std::size_t there = file_.Size() - file_.At();
    if (there == bytes) return;
    throw Error(fmt::format("{} bytes of elements, but shape ({}) of {} needs {}", there,
                            fmt::join(dims_, ", "), descr, bytes),
                path_, there < bytes ? "truncated: save it again" : "save it again");
  }

  std::string HeaderText() {
    constexpr std::string_view kMagic = "\x93NUMPY";
    std::array<std::uint8_t, 12> begin{};
    if (file_.Size() >= begin.size()) file_.Read(begin);
    if (std::memcmp(begin.data(), kMagic.data(), kMagic.size()) != 0) {
      throw Error("not a .npy file", path_, "write it with numpy.save; .npz archives are not read");
    }
    if (begin[6] < 1 || begin[6] > 3) ThrowHeader(path_, "unknown version");
    const bool is_first = begin[6] == 1;
    std::uint32_t size = 0;
    std::memcpy(&size, begin.data() + 8, is_first ? 2 : 4);
    if (is_first) file_.Seek(10);
    if (size > file_.Size() - file_.At()) ThrowHeader(path_, "it is truncated");
    std::string header(size, '\0');
    file_.Read({reinterpret_cast<std::uint8_t*>(header.data()), header.size()});
    return header;
  }

  PlainFile file_;
};

}  // namespace

std::unique_ptr<ElementStream> OpenNpy(const std::string& path) {
  return std::make_unique<NpyStream>(path);
}

}  // namespace ddl
