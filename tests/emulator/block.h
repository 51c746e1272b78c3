// SPDX-License-Identifier: Apache-2.0
// A block of threads: its shared memory, and its warps, which run one after the other from barrier
// to barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/emulator/device_memory.h"
#include "tests/emulator/ptx.h"
#include "tests/emulator/shared_memory.h"
#include "tests/emulator/warp.h"

namespace ddl::emulator {

struct Size {
  std::uint32_t x = 1;
  std::uint32_t y = 1;
};

// A kernel with all that it is run with.
struct Launch {
  const Module* module = nullptr;
  const Kernel* kernel = nullptr;
  Size blocks;
  std::uint32_t threads = 1;
  std::size_t asked_for = 0;  // bytes of shared memory
  std::vector<std::byte> parameters;
  bool counts_all = false;  // banks and each instruction, which takes time
};

// What one instruction came to.
struct InstructionCounts {
  std::uint64_t times = 0;    // for a warp
  std::uint64_t sectors = 0;  // of the GPU's memory
  std::uint64_t waves = 0;    // of shared memory
};

// What a launch came to.
struct Counts {
  std::uint64_t instructions = 0;  // of warps
  std::uint64_t lanes = 0;         // of threads: 32 times as many where no lane stands aside
  std::uint64_t matrices = 0;      // mma among them
  std::uint64_t shared = 0;        // accesses of warps to shared memory
  std::uint64_t shared_waves = 0;  // and how often its banks were busy with them
  Traffic traffic;
  std::vector<InstructionCounts> instruction_counts;  // of each, where they are asked for

  void Add(const Counts& other);
};

class Block {
 public:
  // `stretch` counts on through all launches.
  Block(const Launch& launch, DeviceMemory& memory, std::uint64_t& stretch, Counts& counts);

  // All threads of the block at (x, y), to their end. Throws DeviceFault.
  void Run(std::uint32_t x, std::uint32_t y);

  // Of a warp's active lanes: addresses in `places`, `bytes` each. `move` gets a lane and where
  // its bytes lie.
  template <class Move>
  void ReadGlobal(const Warp& warp, const std::uint64_t* places, std::int64_t offset,
                  std::uint32_t bytes, Move move) {
    counts_.traffic.read_sectors += CountSectors(warp, places, offset);
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      const std::uint64_t at = PlaceOf(places[lane], offset);
      memory_.Read(at, bytes, Who(warp, lane), begin_, counts_.traffic);
      move(lane, reinterpret_cast<const std::byte*>(at));
    });
  }
  template <class Move>
  void WriteGlobal(const Warp& warp, const std::uint64_t* places, std::int64_t offset,
                   std::uint32_t bytes, Move move) {
    counts_.traffic.written_sectors += CountSectors(warp, places, offset);
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      const std::uint64_t at = PlaceOf(places[lane], offset);
      memory_.Write(at, bytes, Who(warp, lane), begin_, counts_.traffic);
      move(lane, reinterpret_cast<std::byte*>(at));
    });
  }
  template <class Places, class Move>
  void ReadShared(const Warp& warp, const Places* places, std::int64_t offset, std::uint32_t bytes,
                  Move move) {
    const auto at = [&](std::uint32_t lane) { return PlaceOf(places[lane], offset); };
    CountShared(warp, bytes, at);
    const std::byte* from = nullptr;
    std::uint64_t last = 0;  // lanes side by side often read the same
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      const std::uint64_t own = at(lane);
      if (from == nullptr || own != last) {
        from = shared_.Read(own, bytes, warp.first_thread + lane);
        last = own;
      } else {
        shared_.ReadBySeveral(own, bytes);
      }
      move(lane, from);
    });
  }
  template <class Places, class Move>
  void WriteShared(const Warp& warp, const Places* places, std::int64_t offset, std::uint32_t bytes,
                   Move move) {
    const auto at = [&](std::uint32_t lane) { return PlaceOf(places[lane], offset); };
    CountShared(warp, bytes, at);
    ForEachLane(warp.active, [&](std::uint32_t lane) {
      move(lane, shared_.Write(at(lane), bytes, warp.first_thread + lane));
    });
  }

 private:
  [[nodiscard]] Toucher Who(const Warp& warp, std::uint32_t lane) const {
    return {stretch_, block_, warp.first_thread + lane};
  }
  void Start(Warp& warp, std::uint32_t x, std::uint32_t y) const;
  void RunToBarrier(Warp& warp);
  // Lanes go on from there only together: false where others run first, a fault where none can.
  static bool AreTogether(Warp& warp, const Instruction& instruction);
  static void Join(Warp& warp);
  static void Branch(Warp& warp, const Instruction& instruction);
  // False at the warp's end.
  static bool Return(Warp& warp);
  std::uint64_t CountSectors(const Warp& warp, const std::uint64_t* places, std::int64_t offset);
  [[nodiscard]] static std::uint64_t PlaceOf(std::uint64_t address, std::int64_t offset) {
    return address + static_cast<std::uint64_t>(offset);
  }
  template <class At>
  void CountShared(const Warp& warp, std::uint32_t bytes, At at) {
    ++counts_.shared;
    if (!launch_.counts_all) return;
    const std::uint64_t waves = banks_.Waves(warp.active, bytes, at);
    counts_.shared_waves += waves;
    counts_.instruction_counts[warp.at - 1].waves += waves;
  }

  const Launch& launch_;
  DeviceMemory& memory_;
  std::uint64_t& stretch_;
  Counts& counts_;
  std::uint64_t begin_;  // of the launch's stretches
  std::uint32_t block_ = 0;
  SharedMemory shared_;
  std::vector<std::vector<std::uint64_t>> registers_;  // of each warp
  std::vector<Warp> warps_;
  Banks banks_;
};

// All blocks of a launch, one after the other. Throws DeviceFault, with the kernel's name, the
// source's line and the block.
[[nodiscard]] Counts RunLaunch(const Launch& launch, DeviceMemory& memory, std::uint64_t& stretch);

// Of the template's only argument, the body: "GatherBody<unsigned char>".
[[nodiscard]] std::string BodyOf(const std::string& kernel);

}  // namespace ddl::emulator
