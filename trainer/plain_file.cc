// SPDX-License-Identifier: Apache-2.0
#include "trainer/plain_file.h"

#include <filesystem>

#include <fmt/format.h>

#include "configs/error.h"

namespace ddl {

PlainFile::PlainFile(const std::string& path) : path_(path), file_(path, std::ios::binary) {
  if (!file_ || std::filesystem::is_directory(path)) {
    throw SystemError("cannot read", path, "check the name");
  }
  size_ = static_cast<std::size_t>(std::filesystem::file_size(path));
}

void PlainFile::Seek(std::size_t at) {
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(at));
  at_ = at;
}

void PlainFile::Read(std::span<std::uint8_t> out) {
  file_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  const auto got = static_cast<std::size_t>(file_.gcount());
  at_ += got;
  if (got == out.size()) return;
  throw Error(
      fmt::format("truncated: ends at byte {}, {} bytes are missing", at_, out.size() - got), path_,
      "get the file again");
}

}  // namespace ddl
