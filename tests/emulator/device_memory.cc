// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/device_memory.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>
#include <sys/mman.h>

namespace ddl::emulator {

namespace {

std::size_t Rounded(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

const char* Shadow::Read(const Toucher& who, std::uint64_t begin) {
  if (write_.stretch >= begin && (write_.block != who.block ||
                                  (write_.stretch == who.stretch && write_.thread != who.thread))) {
    return "is read while another thread writes it";
  }
  if (read_.stretch < begin) {
    read_ = who;
  } else if (read_.block != who.block) {
    read_ = {who.stretch, kSeveral, kSeveral};
  } else if (read_.stretch != who.stretch) {
    read_ = who;
  } else if (read_.thread != who.thread) {
    read_.thread = kSeveral;
  }
  return nullptr;
}

const char* Shadow::Write(const Toucher& who, std::uint64_t begin) {
  if (write_.stretch >= begin && (write_.block != who.block ||
                                  (write_.stretch == who.stretch && write_.thread != who.thread))) {
    return "is written by two threads";
  }
  if (read_.stretch >= begin &&
      (read_.block != who.block || (read_.stretch == who.stretch && read_.thread != who.thread))) {
    return "is written while another thread reads it";
  }
  write_ = who;
  return nullptr;
}

DeviceMemory::~DeviceMemory() {
  for (const auto& [at, area] : areas_)
    Drop(at, area);
}

void DeviceMemory::Drop(std::uint64_t at, const Area& area) {
  (void)munmap(area.shadows, area.shadow_bytes);
  if (area.is_owned) std::free(reinterpret_cast<void*>(at));
}

void* DeviceMemory::Allocate(std::size_t bytes) {
  const std::size_t rounded = Rounded(bytes, kAlignment);
  if (rounded > FreeBytes()) return nullptr;
  void* at = std::aligned_alloc(kAlignment, rounded);
  if (at == nullptr) return nullptr;
  used_ += rounded;
  AddArea(reinterpret_cast<std::uint64_t>(at), bytes, true);
  return at;
}

void DeviceMemory::AddArea(std::uint64_t at, std::size_t bytes, bool is_owned) {
  const std::size_t shadow_bytes = Rounded(bytes, kPlaceBytes) / kPlaceBytes * sizeof(Shadow);
  void* shadows = mmap(nullptr, shadow_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (shadows == MAP_FAILED) throw DeviceFault("no memory for what is known of the GPU's");
  areas_.emplace(at, Area{bytes, static_cast<Shadow*>(shadows), shadow_bytes, is_owned});
  last_ = areas_.end();
}

void DeviceMemory::Add(void* at, std::size_t bytes) {
  AddArea(reinterpret_cast<std::uint64_t>(at), bytes, false);
}

bool DeviceMemory::Free(void* at) {
  const auto area = areas_.find(reinterpret_cast<std::uint64_t>(at));
  if (area == areas_.end() || !area->second.is_owned) return false;
  used_ -= Rounded(area->second.bytes, kAlignment);
  Drop(area->first, area->second);
  areas_.erase(area);
  last_ = areas_.end();
  return true;
}

bool DeviceMemory::Holds(const void* at, std::size_t bytes) const {
  const auto address = reinterpret_cast<std::uint64_t>(at);
  auto area = areas_.upper_bound(address);
  if (area == areas_.begin()) return false;
  --area;
  return address - area->first + bytes <= area->second.bytes;
}

Shadow* DeviceMemory::ShadowsOf(std::uint64_t at, std::uint32_t bytes) {
  if ((at & (bytes - 1)) != 0)
    throw DeviceFault(fmt::format("{:#x} is not aligned to {} bytes", at, bytes));
  if (last_ == areas_.end() || at < last_->first ||
      at - last_->first + bytes > last_->second.bytes) {
    auto area = areas_.upper_bound(at);
    if (area == areas_.begin()) {
      throw DeviceFault(fmt::format("{:#x} lies before all memory that was allocated", at));
    }
    --area;
    if (at - area->first + bytes > area->second.bytes) {
      throw DeviceFault(fmt::format("{:#x} lies {} bytes behind the end of an allocation of {}", at,
                                    at - area->first + bytes - area->second.bytes,
                                    area->second.bytes));
    }
    last_ = area;
  }
  return last_->second.shadows + (at - last_->first) / kPlaceBytes;
}

void DeviceMemory::Read(std::uint64_t at, std::uint32_t bytes, const Toucher& who,
                        std::uint64_t begin, Traffic& traffic) {
  Shadow* shadow = ShadowsOf(at, bytes);
  for (std::uint32_t i = 0; i < bytes; i += kPlaceBytes, ++shadow) {
    if (!shadow->IsReadSince(begin) && !shadow->IsWrittenSince(begin)) traffic.read += kPlaceBytes;
    if (const char* race = shadow->Read(who, begin)) {
      throw DeviceFault(fmt::format("{:#x} {}", at + i, race));
    }
  }
}

void DeviceMemory::Write(std::uint64_t at, std::uint32_t bytes, const Toucher& who,
                         std::uint64_t begin, Traffic& traffic) {
  Shadow* shadow = ShadowsOf(at, bytes);
  for (std::uint32_t i = 0; i < bytes; i += kPlaceBytes, ++shadow) {
    if (!shadow->IsWrittenSince(begin))
      traffic.written += std::min<std::size_t>(bytes, kPlaceBytes);
    // Bytes of one place are written by two threads, each its own.
    if (bytes < kPlaceBytes) continue;
    if (const char* race = shadow->Write(who, begin)) {
      throw DeviceFault(fmt::format("{:#x} {}", at + i, race));
    }
  }
}

}  // namespace ddl::emulator
