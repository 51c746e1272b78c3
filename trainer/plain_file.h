// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>

namespace ddl {

// A file read from the front, piece by piece.
class PlainFile {
 public:
  // Throws Error naming the path when it cannot be read or is no file.
  explicit PlainFile(const std::string& path);

  [[nodiscard]] std::size_t Size() const { return size_; }  // as it was opened
  [[nodiscard]] std::size_t At() const { return at_; }
  void Seek(std::size_t at);
  // Fills `out` wholly. Throws Error with the byte where the file ends too early.
  void Read(std::span<std::uint8_t> out);

 private:
  std::string path_;
  std::ifstream file_;
  std::size_t size_;
  std::size_t at_ = 0;
};

}  // namespace ddl
