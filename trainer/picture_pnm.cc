// SPDX-License-Identifier: Apache-2.0
// PGM and PPM, of Netpbm: https://netpbm.sourceforge.net/doc/ppm.html. The first picture of a file.
#include <fmt/format.h>

#include "configs/error.h"
#include "trainer/picture.h"

namespace ddl {

namespace {

class PnmReader {
 public:
  PnmReader(std::span<const std::uint8_t> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  Picture Read() {
    const std::uint8_t kind = bytes_[1];
    if (kind != '2' && kind != '3' && kind != '5' && kind != '6') {
      Refuse(fmt::format("P{} is not read", static_cast<char>(kind)),
             "save it as PGM or PPM: P2, P3, P5 or P6");
    }
    at_ = 2;
    Picture picture{.channels = kind == '3' || kind == '6' ? std::size_t{3} : std::size_t{1}};
    picture.width = Number();
    picture.height = Number();
    CheckPictureSize(picture.height, picture.width, where_);
    most_ = Number();
    if (most_ == 0 || most_ > 65'535)
      Refuse(fmt::format("a largest value of {}", most_), "save it again");
    const std::size_t count = picture.height * picture.width * picture.channels;
    if (kind >= '5') {
      Binary(count, picture.values);
    } else {
      Plain(count, picture.values);
    }
    return picture;
  }

 private:
  [[noreturn]] void Refuse(const std::string& what, std::string_view hint) const {
    throw Error(what, where_, hint);
  }

  static bool IsSpace(std::uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

  // White space, and comments to the end of their line.
  void SkipSpace() {
    while (at_ < bytes_.size() && (IsSpace(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n') {
          ++at_;
        }
        continue;
      }
      ++at_;
    }
  }

  std::size_t Number() {
    SkipSpace();
    const std::size_t begin = at_;
    std::size_t number = 0;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_) {
      number = number * 10 + (bytes_[at_] - '0');
      if (number > kMostPixels)
        Refuse(fmt::format("byte {}: too large a number", begin + 1), "save it again");
    }
    if (at_ == begin) Refuse(fmt::format("byte {}: no number", begin + 1), "save it again");
    return number;
  }

  std::uint8_t Scaled(std::size_t value) const {
    if (value > most_) {
      Refuse(fmt::format("byte {}: {} is above the largest value {}", at_, value, most_),
             "save it again");
    }
    return static_cast<std::uint8_t>((value * 255 + most_ / 2) / most_);
  }

  void Plain(std::size_t count, std::vector<std::uint8_t>& values) {
    if (count > bytes_.size()) RefuseShort(count);  // a digit each, at least
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(Scaled(Number()));
    }
  }

  void Binary(std::size_t count, std::vector<std::uint8_t>& values) {
    ++at_;  // one white space stands behind the header
    const std::size_t each = most_ > 255 ? 2 : 1;
    if (at_ > bytes_.size() || count > (bytes_.size() - at_) / each) RefuseShort(count * each);
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t value = bytes_[at_++];
      if (each == 2) value = value * 256 + bytes_[at_++];
      values.push_back(Scaled(value));
    }
  }

  [[noreturn]] void RefuseShort(std::size_t needed) const {
    Refuse(fmt::format("truncated: {} bytes, and its pixels alone need {}", bytes_.size(), needed),
           "get the file again");
  }

  std::span<const std::uint8_t> bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t most_ = 0;
};

}  // namespace

Picture DecodePnm(std::span<const std::uint8_t> bytes, const std::string& where) {
  return PnmReader(bytes, where).Read();
}

}  // namespace ddl
