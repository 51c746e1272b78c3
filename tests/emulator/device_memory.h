// SPDX-License-Identifier: Apache-2.0
// The GPU's memory: what is allocated, who touched it, and what that came to. An access outside of
// what is allocated, one that is not aligned, and two threads of a kernel that meet in a place with
// no barrier between them, one of them writing, are faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ddl::emulator {

struct DeviceFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Who touches: a thread, and the stretch between two barriers of its block.
struct Toucher {
  std::uint64_t stretch = 0;  // counted through all launches
  std::uint32_t block = 0;
  std::uint32_t thread = 0;
};

// Of one place: its last writer and readers.
class Shadow {
 public:
  // Touches of this launch have at least `begin` as their stretch. A text where there is a race.
  [[nodiscard]] const char* Read(const Toucher& who, std::uint64_t begin);
  [[nodiscard]] const char* Write(const Toucher& who, std::uint64_t begin);
  [[nodiscard]] bool IsReadSince(std::uint64_t begin) const { return read_.stretch >= begin; }
  [[nodiscard]] bool IsWrittenSince(std::uint64_t begin) const { return write_.stretch >= begin; }

 private:
  static constexpr std::uint32_t kSeveral = ~std::uint32_t{0};

  Toucher write_;
  Toucher read_;
};

// Bytes that a launch moved: each place once, and in sectors of 32 bytes as warps ask for them.
struct Traffic {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  std::uint64_t read_sectors = 0;
  std::uint64_t written_sectors = 0;
};

class DeviceMemory {
 public:
  static constexpr std::size_t kAlignment = 256;

  explicit DeviceMemory(std::size_t bytes) : bytes_(bytes) {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();

  // Null where there is no room.
  [[nodiscard]] void* Allocate(std::size_t bytes);
  [[nodiscard]] bool Free(void* at);
  [[nodiscard]] std::size_t Bytes() const { return bytes_; }
  [[nodiscard]] std::size_t FreeBytes() const { return bytes_ - used_; }
  // Memory of a module, which may be read.
  void Add(void* at, std::size_t bytes);
  [[nodiscard]] bool Holds(const void* at, std::size_t bytes) const;

  void Read(std::uint64_t at, std::uint32_t bytes, const Toucher& who, std::uint64_t begin,
            Traffic& traffic);
  void Write(std::uint64_t at, std::uint32_t bytes, const Toucher& who, std::uint64_t begin,
             Traffic& traffic);

 private:
  // A shadow has room for each two bytes, the smallest numbers that threads share lines with.
  static constexpr std::size_t kPlaceBytes = 2;
  struct Area {
    std::size_t bytes = 0;
    Shadow* shadows = nullptr;  // untouched pages cost nothing
    std::size_t shadow_bytes = 0;
    bool is_owned = false;
  };

  [[nodiscard]] Shadow* ShadowsOf(std::uint64_t at, std::uint32_t bytes);
  void AddArea(std::uint64_t at, std::size_t bytes, bool is_owned);
  static void Drop(std::uint64_t at, const Area& area);

  std::size_t bytes_;
  std::size_t used_ = 0;
  std::map<std::uint64_t, Area> areas_;
  std::map<std::uint64_t, Area>::const_iterator last_ = areas_.end();
};

}  // namespace ddl::emulator
