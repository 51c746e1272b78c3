// SPDX-License-Identifier: Apache-2.0
#include "trainer/whole_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "configs/error.h"

namespace ddl {

std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw SystemError("cannot read", path, "check the name");
  }
  std::string text(static_cast<std::size_t>(std::filesystem::file_size(path)), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace ddl
