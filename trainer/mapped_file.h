// SPDX-License-Identifier: Apache-2.0
// A file mapped for reading, some of which may be asked for ahead and given up again, so that a
// training needs memory for what it works on and not for the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

namespace ddl {

class MappedFile {
 public:
  // Nothing where the file cannot be opened or mapped, or is empty.
  [[nodiscard]] static std::optional<MappedFile> Open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::string_view Bytes() const { return {address_, bytes_}; }

  // `part` lies within Bytes(). Begins to read it from the disk, and does not wait.
  void Want(std::string_view part) const;
  // Gives the whole pages of `part` back, where the file is larger than half of the memory that
  // this process may fill; a smaller one stays, as the next epoch needs it again.
  void GiveUp(std::string_view part) const;

 private:
  MappedFile(int fd, const char* address, std::size_t bytes);

  int fd_;
  const char* address_;
  std::size_t bytes_;
  bool gives_up_;
};

}  // namespace ddl
