// SPDX-License-Identifier: Apache-2.0
// A block's shared memory, word by word: reading what was never written, and two threads that meet
// in a word with no barrier between them, one of them writing, are faults.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/emulator/warp.h"

namespace ddl::emulator {

class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : bytes_((bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)),
        size_(bytes),
        words_((bytes + kWordBytes - 1) / kWordBytes) {}

  // Before each block.
  void Clear();
  void PassBarrier() { ++stretch_; }

  // Both check, and give where the bytes lie. Throw DeviceFault.
  [[nodiscard]] std::byte* Read(std::uint64_t at, std::uint32_t bytes, std::uint32_t thread) {
    Check(at, bytes);
    for (std::uint64_t i = at / kWordBytes; i * kWordBytes < at + bytes; ++i) {
      Word& word = words_[i];
      if (word.written == 0) FailUnwritten(i);
      if (word.written == stretch_ && word.writer != thread)
        FailRace(i, "is read while another thread writes it");
      if (word.read != stretch_) {
        word.read = stretch_;
        word.reader = thread;
      } else if (word.reader != thread) {
        word.reader = kSeveral;
      }
    }
    return reinterpret_cast<std::byte*>(bytes_.data()) + at;
  }
  // By another thread too, right after Read.
  void ReadBySeveral(std::uint64_t at, std::uint32_t bytes) {
    for (std::uint64_t i = at / kWordBytes; i * kWordBytes < at + bytes; ++i) {
      words_[i].reader = kSeveral;
    }
  }
  [[nodiscard]] std::byte* Write(std::uint64_t at, std::uint32_t bytes, std::uint32_t thread) {
    Check(at, bytes);
    for (std::uint64_t i = at / kWordBytes; i * kWordBytes < at + bytes; ++i) {
      Word& word = words_[i];
      if (word.written == stretch_ && word.writer != thread)
        FailRace(i, "is written by two threads");
      if (word.read == stretch_ && word.reader != thread)
        FailRace(i, "is written while another thread reads it");
      word.written = stretch_;
      word.writer = thread;
    }
    return reinterpret_cast<std::byte*>(bytes_.data()) + at;
  }

 private:
  static constexpr std::uint32_t kWordBytes = 4;
  static constexpr std::uint32_t kSeveral = ~std::uint32_t{0};
  // Stretches between barriers count from 1; 0: never.
  struct Word {
    std::uint32_t written = 0;
    std::uint32_t writer = 0;
    std::uint32_t read = 0;
    std::uint32_t reader = 0;
  };

  void Check(std::uint64_t at, std::uint32_t bytes) const {
    // Two, four, … bytes: no division.
    if ((at & (bytes - 1)) != 0 || at + bytes > size_) FailPlace(at, bytes);
  }
  [[noreturn]] void FailPlace(std::uint64_t at, std::uint32_t bytes) const;
  [[noreturn]] static void FailUnwritten(std::uint64_t word);
  [[noreturn]] static void FailRace(std::uint64_t word, const char* what);

  std::vector<std::uint64_t> bytes_;
  std::size_t size_;
  std::vector<Word> words_;
  std::uint32_t stretch_ = 1;
};

// How often the busiest of 32 banks is asked by a warp's access: words of one bank are served one
// after the other, a word to all that want it at once. Vectors are served 128 bytes at a time.
class Banks {
 public:
  template <class PlaceOf>
  [[nodiscard]] std::uint64_t Waves(std::uint32_t lanes, std::uint32_t bytes, PlaceOf place_of) {
    const std::uint32_t words = bytes <= kWordBytes ? 1 : bytes / kWordBytes;
    const std::uint32_t lanes_at_once = kWarpLanes / words;
    std::uint64_t waves = 0;
    for (std::uint32_t first = 0; first < kWarpLanes; first += lanes_at_once) {
      counts_.fill(0);
      std::uint32_t most = 0;
      for (std::uint32_t lane = first; lane < first + lanes_at_once; ++lane) {
        if ((lanes >> lane & 1U) == 0) continue;
        const std::uint64_t word = place_of(lane) / kWordBytes;
        for (std::uint32_t i = 0; i < words; ++i)
          most = std::max(most, Put(word + i));
      }
      waves += most;
    }
    return waves;
  }

 private:
  static constexpr std::uint32_t kWordBytes = 4;

  std::uint32_t Put(std::uint64_t word) {
    const std::uint64_t bank = word % kWarpLanes;
    for (std::uint32_t i = 0; i < counts_[bank]; ++i) {
      if (asked_[bank][i] == word) return counts_[bank];
    }
    asked_[bank][counts_[bank]] = word;
    return ++counts_[bank];
  }

  std::array<std::array<std::uint64_t, kWarpLanes>, kWarpLanes> asked_{};
  std::array<std::uint32_t, kWarpLanes> counts_{};
};

}  // namespace ddl::emulator
