// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/shared_memory.h"

#include <algorithm>

#include <fmt/format.h>

#include "tests/emulator/device_memory.h"

namespace ddl::emulator {

void SharedMemory::Clear() {
  std::fill(bytes_.begin(), bytes_.end(), ~std::uint64_t{0});
  std::fill(words_.begin(), words_.end(), Word{});
  stretch_ = 1;
}

void SharedMemory::FailPlace(std::uint64_t at, std::uint32_t bytes) const {
  throw DeviceFault(
      fmt::format("{} bytes at {} of {} bytes of shared memory{}", bytes, at, size_,
                  at % bytes != 0 ? ", where they are not aligned" : ", behind its end"));
}

void SharedMemory::FailUnwritten(std::uint64_t word) {
  throw DeviceFault(fmt::format("byte {} of shared memory was never written", word * kWordBytes));
}

void SharedMemory::FailRace(std::uint64_t word, const char* what) {
  throw DeviceFault(fmt::format("byte {} of shared memory {}", word * kWordBytes, what));
}

}  // namespace ddl::emulator
