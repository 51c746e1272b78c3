// SPDX-License-Identifier: Apache-2.0
// Descriptors that close themselves, and whole small files. Nothing here throws: what the disk
// refuses is a fact about a host, told by false or nullopt with errno left as the kernel set it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddl {

// Owns one open descriptor, or none (-1).
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    Reset(std::exchange(other.descriptor_, -1));
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { Reset(); }

  [[nodiscard]] int Get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  // The caller owns the descriptor from here on.
  [[nodiscard]] int Release() { return std::exchange(descriptor_, -1); }
  // Closes what is owned, errno untouched, and owns `descriptor` instead.
  void Reset(int descriptor = -1);

 private:
  int descriptor_ = -1;
};

// open(2) with O_CLOEXEC, again when interrupted.
[[nodiscard]] FileDescriptor OpenFile(const std::string& path, int flags, unsigned mode = 0600);

// The whole file; nullopt when it cannot be read or holds more than `limit` bytes (EFBIG).
[[nodiscard]] std::optional<std::string> ReadFile(const std::string& path,
                                                  std::size_t limit = std::size_t{16} << 20);

// All of `bytes`, however many calls it takes. For blocking descriptors and files.
[[nodiscard]] bool WriteAll(int descriptor, std::string_view bytes);

// The same at a place in a file. What was written before a refusal is to be written over.
[[nodiscard]] bool WriteAllAt(int file, std::string_view bytes, std::int64_t offset);
// Fills `bytes` from there, fewer only at the file's end. How many; -1 when it cannot be read.
[[nodiscard]] std::int64_t ReadAllAt(int file, std::span<char> bytes, std::int64_t offset);

enum class Durability : std::uint8_t {
  kKill,   // survives any kill of processes
  kPower,  // survives a power failure too: file and folder are synced, which costs milliseconds
};

// Writes PATH.aside and renames it: readers see the old text or the new one, never a part. One
// writer a path at a time.
[[nodiscard]] bool WriteFileAtomically(const std::string& path, std::string_view text,
                                       Durability durability = Durability::kKill);

// Puts /dev/null in the place of standard input, output and error: who waits for their end does not
// wait for this process. False when that cannot be had.
[[nodiscard]] bool LeaveStandardStreams();

// The folder that holds `path`.
[[nodiscard]] std::string FolderOf(const std::string& path);
// Makes the names in a folder safe from a power failure.
[[nodiscard]] bool SyncFolder(const std::string& folder);

// mkdir(2). True too when the folder is there already; a file or a link there is not good enough.
[[nodiscard]] bool EnsureFolder(const std::string& path, unsigned mode = 0700);

// Certainly nothing is there: a disk or a host that does not let us look is no evidence.
[[nodiscard]] bool IsMissing(const std::string& path);

// Names in a folder without "." and "..", in no order; empty when it cannot be read.
[[nodiscard]] std::vector<std::string> ListFolder(const std::string& path);

// Removes a file, or a folder with all that is in it, following no links. True when nothing is
// left.
bool RemoveTree(const std::string& path);

}  // namespace ddl
