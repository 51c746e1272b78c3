// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/moves.h"

#include <cstddef>
#include <cstring>

#include "tests/emulator/block.h"

namespace ddl::emulator {

namespace {

enum class Space { kGlobal, kShared, kParameter };

// Stored as Stored, wider in registers perhaps; the address is the last operand of a load and the
// first of a store.
template <Space kSpace, class Stored, class Held>
void ExecuteLoad(Warp& warp, const Instruction& instruction) {
  const std::uint32_t numbers = instruction.numbers;
  const auto take = [&](std::uint32_t lane, const std::byte* from) {
    for (std::uint32_t i = 0; i < numbers; ++i) {
      Stored stored;
      std::memcpy(&stored, from + i * sizeof stored, sizeof stored);
      warp.At<Held>(instruction.operands[i])[lane] = stored;
    }
  };
  const std::uint32_t address = instruction.operands[numbers];
  const auto* places = warp.At<std::uint64_t>(address);
  const auto bytes = static_cast<std::uint32_t>(numbers * sizeof(Stored));
  if constexpr (kSpace == Space::kGlobal) {
    warp.block->ReadGlobal(warp, places, instruction.offset, bytes, take);
  } else if constexpr (kSpace == Space::kParameter) {
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      take(lane, reinterpret_cast<const std::byte*>(
                     places[lane] + static_cast<std::uint64_t>(instruction.offset)));
    });
  } else {
    if (instruction.has_short_address) {
      warp.block->ReadShared(warp, warp.At<std::uint32_t>(address), instruction.offset, bytes,
                             take);
    } else {
      warp.block->ReadShared(warp, places, instruction.offset, bytes, take);
    }
  }
}

template <Space kSpace, class Stored, class Held>
void ExecuteStore(Warp& warp, const Instruction& instruction) {
  const std::uint32_t numbers = instruction.numbers;
  const auto put = [&](std::uint32_t lane, std::byte* to) {
    for (std::uint32_t i = 0; i < numbers; ++i) {
      const auto stored = static_cast<Stored>(warp.At<Held>(instruction.operands[1 + i])[lane]);
      std::memcpy(to + i * sizeof stored, &stored, sizeof stored);
    }
  };
  const std::uint32_t address = instruction.operands[0];
  const auto* places = warp.At<std::uint64_t>(address);
  const auto bytes = static_cast<std::uint32_t>(numbers * sizeof(Stored));
  if constexpr (kSpace == Space::kGlobal) {
    warp.block->WriteGlobal(warp, places, instruction.offset, bytes, put);
  } else {
    if (instruction.has_short_address) {
      warp.block->WriteShared(warp, warp.At<std::uint32_t>(address), instruction.offset, bytes,
                              put);
    } else {
      warp.block->WriteShared(warp, places, instruction.offset, bytes, put);
    }
  }
}

template <Space kSpace, class Stored>
Execute MoveOf(bool is_load, std::uint32_t register_bits) {
  const auto of = [is_load]<class Held>(Held /*held*/) -> Execute {
    if constexpr (sizeof(Held) < sizeof(Stored)) {
      return nullptr;
    } else {
      if (is_load) return &ExecuteLoad<kSpace, Stored, Held>;
      if constexpr (kSpace == Space::kParameter) return nullptr;
      return &ExecuteStore<kSpace, Stored, Held>;
    }
  };
  switch (register_bits) {
    case 16:
      return of(std::uint16_t{});
    case 32:
      return of(std::uint32_t{});
    case 64:
      return of(std::uint64_t{});
    default:
      return nullptr;
  }
}

template <Space kSpace>
Execute MoveOf(bool is_load, std::string_view type, std::uint32_t register_bits) {
  if (type == "u8") return MoveOf<kSpace, std::uint8_t>(is_load, register_bits);
  if (type == "u16") return MoveOf<kSpace, std::uint16_t>(is_load, register_bits);
  if (type == "u32" || type == "f32") {
    return MoveOf<kSpace, std::uint32_t>(is_load, register_bits);
  }
  if (type == "u64" || type == "f64") {
    return MoveOf<kSpace, std::uint64_t>(is_load, register_bits);
  }
  return nullptr;
}

}  // namespace

Execute MoveOf(std::string_view name, std::uint32_t register_bits) {
  const bool is_load = name.starts_with("ld.");
  const std::size_t space = 3;
  const std::size_t type = name.rfind('.') + 1;
  const std::string_view where = name.substr(space, type - 1 - space);
  if (where == "global") return MoveOf<Space::kGlobal>(is_load, name.substr(type), register_bits);
  if (where == "shared") return MoveOf<Space::kShared>(is_load, name.substr(type), register_bits);
  if (where == "param") {
    return MoveOf<Space::kParameter>(is_load, name.substr(type), register_bits);
  }
  return nullptr;
}

}  // namespace ddl::emulator
