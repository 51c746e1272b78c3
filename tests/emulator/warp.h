// SPDX-License-Identifier: Apache-2.0
// Thirty-two threads that run one instruction at a time, and the instructions that they run.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddl::emulator {

class Block;
struct Warp;
struct Instruction;

inline constexpr std::uint32_t kWarpLanes = 32;
inline constexpr std::uint32_t kAllLanes = ~std::uint32_t{0};
inline constexpr std::uint32_t kNoPlace = ~std::uint32_t{0};
// Of mma: four numbers of the sum, four and two of the factors, four of what is added.
inline constexpr std::size_t kMostOperands = 14;

using Execute = void (*)(Warp&, const Instruction&);

enum class Flow : std::uint8_t { kNext, kBranch, kBarrier, kProduct, kTogether, kReturn };

// Operands are places of registers, in bytes: 32 numbers side by side, or the 32 bits of a
// predicate. What is constant is a register too.
struct Instruction {
  Execute execute = nullptr;
  std::array<std::uint32_t, kMostOperands> operands{};
  std::int64_t offset = 0;         // bytes from the address
  std::uint32_t guard = kNoPlace;  // a predicate
  std::uint32_t target = 0;        // of a branch
  std::uint32_t file = 0;          // of the source, 0: not known
  std::uint32_t line = 0;
  std::uint8_t numbers = 1;  // of a vector
  Flow flow = Flow::kNext;
  bool guard_is_negated = false;
  bool is_joined = false;          // branches lead here
  bool has_short_address = false;  // of 32 bits, in shared memory
};

// Threads of a warp that went another way, and are to go on at `at`.
struct Apart {
  std::uint32_t at = 0;
  std::uint32_t lanes = 0;
  bool waits = false;  // there for the others
};

struct Warp {
  std::byte* registers = nullptr;
  Block* block = nullptr;
  std::uint32_t first_thread = 0;
  std::uint32_t at = 0;       // the instruction that comes next
  std::uint32_t running = 0;  // lanes of it
  std::uint32_t alive = 0;
  std::uint32_t active = 0;  // running, and let through by the guard
  bool waits = false;        // at a barrier
  std::vector<Apart> apart;

  template <class Number>
  [[nodiscard]] Number* At(std::uint32_t place) const {
    return reinterpret_cast<Number*>(registers + place);
  }
  [[nodiscard]] std::uint32_t& Predicate(std::uint32_t place) const {
    return *At<std::uint32_t>(place);
  }
};

template <class Work>
void ForEachLane(std::uint32_t lanes, Work work) {
  for (std::uint32_t left = lanes; left != 0; left &= left - 1) {
    work(static_cast<std::uint32_t>(std::countr_zero(left)));
  }
}

}  // namespace ddl::emulator
