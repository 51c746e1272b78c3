// SPDX-License-Identifier: Apache-2.0
// What every fuzzing target needs. A target is a file with LLVMFuzzerTestOneInput: bytes in, and
// the process ends when a promise of the product is broken. In sanitized builds replay_main.cc
// feeds it its corpus. docs: tests/fuzz/README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace ddl {

// Aborts, which is a finding, where a promise does not hold.
inline void Promise(bool holds, std::string_view promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

inline std::string_view AsText(const std::uint8_t* bytes, std::size_t size) {
  return size == 0 ? std::string_view()
                   : std::string_view(reinterpret_cast<const char*>(bytes), size);
}

// Takes what a target needs besides its text off the front.
inline std::uint8_t TakeByte(std::string_view& rest) {
  if (rest.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(rest.front());
  rest.remove_prefix(1);
  return byte;
}
inline std::string_view TakePiece(std::string_view& rest, std::size_t size) {
  const std::string_view piece = rest.substr(0, size);
  rest.remove_prefix(piece.size());
  return piece;
}

inline std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
inline void WriteText(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

// A file in memory, for readers that take a path.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("fuzz", MFD_CLOEXEC)) { Promise(fd_ >= 0, "memfd_create"); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }

  void Set(std::string_view text) const {
    const bool good = ftruncate(fd_, 0) == 0 &&
                      pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    Promise(good, "a file in memory can be written");
  }
  [[nodiscard]] std::string Path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// A folder in memory, gone with the process.
class MemoryFolder {
 public:
  MemoryFolder() {
    const bool shared = std::filesystem::is_directory("/dev/shm");
    path_ = (shared ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
            "ddl_fuzz_XXXXXX";
    Promise(mkdtemp(path_.data()) != nullptr, "a folder can be made");
  }
  MemoryFolder(const MemoryFolder&) = delete;
  MemoryFolder& operator=(const MemoryFolder&) = delete;
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ddl
