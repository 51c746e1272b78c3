// SPDX-License-Identifier: Apache-2.0
#include "trainer/mapped_file.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trainer/memory_limit.h"

namespace ddl {

namespace {

// Linux cuts a longer request to what one read ahead of the disk is.
constexpr std::size_t kReadAhead = std::size_t{128} << 10U;

std::size_t PageBytes() {
  static const auto kBytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kBytes;
}

}  // namespace

MappedFile::MappedFile(int fd, const char* address, std::size_t bytes)
    : fd_(fd), address_(address), bytes_(bytes), gives_up_(bytes > MemoryLimit() / 2) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      address_(std::exchange(other.address_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      gives_up_(other.gives_up_) {}

MappedFile::~MappedFile() {
  if (address_ == nullptr) return;
  munmap(const_cast<char*>(address_), bytes_);
  close(fd_);
}

std::optional<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  struct stat status{};
  const bool has_bytes = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* address = has_bytes ? mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (address != MAP_FAILED) return MappedFile(fd, static_cast<const char*>(address), bytes);
  close(fd);
  return std::nullopt;
}

void MappedFile::Want(std::string_view part) const {
  const auto first = static_cast<std::size_t>(part.data() - address_) / PageBytes() * PageBytes();
  const std::size_t end = static_cast<std::size_t>(part.data() - address_) + part.size();
  for (std::size_t at = first; at < end; at += kReadAhead) {
    const auto bytes = static_cast<off_t>(std::min(kReadAhead, end - at));
    (void)posix_fadvise(fd_, static_cast<off_t>(at), bytes, POSIX_FADV_WILLNEED);
  }
}

void MappedFile::GiveUp(std::string_view part) const {
  if (!gives_up_) return;
  const std::size_t page = PageBytes();
  const auto offset = static_cast<std::size_t>(part.data() - address_);
  const std::size_t first = (offset + page - 1) / page * page;
  const std::size_t end = (offset + part.size()) / page * page;
  if (first >= end) return;
  // The kernel drops no page that somebody maps, so this process lets go first.
  (void)madvise(const_cast<char*>(address_) + first, end - first, MADV_DONTNEED);
  (void)posix_fadvise(fd_, static_cast<off_t>(first), static_cast<off_t>(end - first),
                      POSIX_FADV_DONTNEED);
}

}  // namespace ddl
