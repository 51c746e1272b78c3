// SPDX-License-Identifier: Apache-2.0
#include "tests/emulator/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include <cxxabi.h>
#include <fmt/format.h>

namespace ddl::emulator {

void Counts::Add(const Counts& other) {
  instructions += other.instructions;
  lanes += other.lanes;
  matrices += other.matrices;
  shared += other.shared;
  shared_waves += other.shared_waves;
  instruction_counts.resize(other.instruction_counts.size());
  for (std::size_t i = 0; i < instruction_counts.size(); ++i) {
    instruction_counts[i].times += other.instruction_counts[i].times;
    instruction_counts[i].sectors += other.instruction_counts[i].sectors;
    instruction_counts[i].waves += other.instruction_counts[i].waves;
  }
  traffic.read += other.traffic.read;
  traffic.written += other.traffic.written;
  traffic.read_sectors += other.traffic.read_sectors;
  traffic.written_sectors += other.traffic.written_sectors;
}

Block::Block(const Launch& launch, DeviceMemory& memory, std::uint64_t& stretch, Counts& counts)
    : launch_(launch),
      memory_(memory),
      stretch_(stretch),
      counts_(counts),
      begin_(stretch + 1),
      shared_(launch.kernel->shared_bytes + launch.asked_for),
      registers_((launch.threads + kWarpLanes - 1) / kWarpLanes),
      warps_(registers_.size()) {
  for (std::size_t i = 0; i < warps_.size(); ++i) {
    registers_[i].resize((launch.kernel->register_bytes + 7) / 8);
    Warp& warp = warps_[i];
    warp.registers = reinterpret_cast<std::byte*>(registers_[i].data());
    warp.block = this;
    warp.first_thread = static_cast<std::uint32_t>(i) * kWarpLanes;
    std::memcpy(warp.registers, launch.kernel->constants.data(), launch.kernel->constants.size());
  }
}

void Block::Start(Warp& warp, std::uint32_t x, std::uint32_t y) const {
  const std::uint32_t threads = std::min(kWarpLanes, launch_.threads - warp.first_thread);
  warp.alive = threads == kWarpLanes ? kAllLanes : (std::uint32_t{1} << threads) - 1;
  warp.running = warp.alive;
  warp.at = 0;
  warp.waits = false;
  warp.apart.clear();
  for (const auto& [special, place] : launch_.kernel->specials) {
    for (std::uint32_t lane = 0; lane < kWarpLanes; ++lane) {
      switch (special) {
        case Special::kThread:
          warp.At<std::uint32_t>(place)[lane] = warp.first_thread + lane;
          break;
        case Special::kBlockX:
          warp.At<std::uint32_t>(place)[lane] = x;
          break;
        case Special::kBlockY:
          warp.At<std::uint32_t>(place)[lane] = y;
          break;
        case Special::kParameters:
          warp.At<std::uint64_t>(place)[lane] =
              reinterpret_cast<std::uint64_t>(launch_.parameters.data());
          break;
      }
    }
  }
}

void Block::Run(std::uint32_t x, std::uint32_t y) {
  block_ = y * launch_.blocks.x + x;
  shared_.Clear();
  ++stretch_;
  for (Warp& warp : warps_)
    Start(warp, x, y);
  for (bool is_over = false; !is_over; ++stretch_) {
    is_over = true;
    for (Warp& warp : warps_) {
      if (warp.alive == 0) continue;
      RunToBarrier(warp);
      is_over = is_over && warp.alive == 0;
    }
    shared_.PassBarrier();
  }
}

void Block::RunToBarrier(Warp& warp) {
  const std::vector<Instruction>& instructions = launch_.kernel->instructions;
  warp.waits = false;
  while (!warp.waits) {
    const Instruction& instruction = instructions[warp.at];
    if (instruction.is_joined && !warp.apart.empty()) {
      const std::uint32_t at = warp.at;
      Join(warp);
      if (warp.at != at) continue;
    }
    warp.active = warp.running;
    if (instruction.guard != kNoPlace) {
      const std::uint32_t bits = warp.Predicate(instruction.guard);
      warp.active &= instruction.guard_is_negated ? ~bits : bits;
    }
    ++counts_.instructions;
    if (launch_.counts_all) ++counts_.instruction_counts[warp.at].times;
    counts_.lanes += warp.active == kAllLanes
                         ? kWarpLanes
                         : static_cast<std::uint64_t>(std::popcount(warp.active));
    try {
      switch (instruction.flow) {
        case Flow::kNext:
          ++warp.at;
          if (warp.active != 0) instruction.execute(warp, instruction);
          break;
        case Flow::kProduct:
        case Flow::kTogether:
          if (!AreTogether(warp, instruction)) break;
          counts_.matrices += instruction.flow == Flow::kProduct ? 1 : 0;
          ++warp.at;
          instruction.execute(warp, instruction);
          break;
        case Flow::kBarrier:
          if (!AreTogether(warp, instruction)) break;
          ++warp.at;
          warp.waits = true;
          break;
        case Flow::kBranch:
          Branch(warp, instruction);
          break;
        case Flow::kReturn:
          if (!Return(warp)) return;
          break;
      }
    } catch (const DeviceFault& fault) {
      throw DeviceFault(fmt::format("{}: {}, in block {} of {} x {}, warp {}, lanes {:#x}",
                                    launch_.module->SourceOf(instruction), fault.what(), block_,
                                    launch_.blocks.x, launch_.blocks.y,
                                    warp.first_thread / kWarpLanes, warp.active));
    }
  }
}

namespace {

// Whoever is furthest behind, of those that can run; null where there is none.
Apart* FurthestBehind(std::vector<Apart>& apart) {
  Apart* behind = nullptr;
  for (Apart& one : apart) {
    if (!one.waits && (behind == nullptr || one.at < behind->at)) behind = &one;
  }
  return behind;
}

// Whoever is where the warp runs, runs along.
void TakeIn(Warp& warp) {
  for (std::size_t i = warp.apart.size(); i-- > 0;) {
    if (warp.apart[i].at != warp.at) continue;
    warp.running |= warp.apart[i].lanes;
    warp.apart.erase(warp.apart.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

bool Block::AreTogether(Warp& warp, const Instruction& instruction) {
  TakeIn(warp);
  const bool needs_whole_warp = instruction.flow != Flow::kBarrier;
  if (warp.running == warp.alive && (!needs_whole_warp || warp.alive == kAllLanes)) {
    warp.active = warp.running;
    if (instruction.guard == kNoPlace) return true;
  }
  Apart* others = FurthestBehind(warp.apart);
  if (others == nullptr) {
    throw DeviceFault(fmt::format("lanes {:#x} of {:#x} wait for others that never come",
                                  warp.running, warp.alive));
  }
  const Apart own{warp.at, warp.running, true};
  warp.at = others->at;
  warp.running = others->lanes;
  *others = own;
  return false;
}

// Whoever is furthest behind runs: threads that went round meet the others where the ways join.
void Block::Join(Warp& warp) {
  TakeIn(warp);
  Apart* behind = FurthestBehind(warp.apart);
  if (behind == nullptr || behind->at > warp.at) return;
  std::swap(behind->at, warp.at);
  std::swap(behind->lanes, warp.running);
}

void Block::Branch(Warp& warp, const Instruction& instruction) {
  const std::uint32_t stay = warp.running & ~warp.active;
  if (warp.active == 0) {
    ++warp.at;
  } else if (stay == 0) {
    warp.at = instruction.target;
  } else {
    warp.apart.push_back({warp.at + 1, stay});
    warp.running = warp.active;
    warp.at = instruction.target;
  }
  // The way that comes first in the kernel is taken first, so that both meet behind it.
  while (!warp.apart.empty()) {
    const std::uint32_t at = warp.at;
    const std::uint32_t lanes = warp.running;
    Join(warp);
    if (warp.at == at && warp.running == lanes) break;
  }
}

bool Block::Return(Warp& warp) {
  warp.alive &= ~warp.active;
  warp.running &= ~warp.active;
  if (warp.running != 0) {
    ++warp.at;
    return true;
  }
  if (warp.apart.empty()) return false;
  Apart* behind = FurthestBehind(warp.apart);
  // Those that wait may be together now.
  if (behind == nullptr) behind = &warp.apart.front();
  warp.at = behind->at;
  warp.running = behind->lanes;
  warp.apart.erase(warp.apart.begin() + (behind - warp.apart.data()));
  return true;
}

std::uint64_t Block::CountSectors(const Warp& warp, const std::uint64_t* places,
                                  std::int64_t offset) {
  constexpr std::uint32_t kSectorBits = 5;
  std::array<std::uint64_t, kWarpLanes> seen;
  std::size_t count = 0;
  ForEachLane(warp.active, [&](std::uint32_t lane) {
    const std::uint64_t sector = PlaceOf(places[lane], offset) >> kSectorBits;
    for (std::size_t i = count; i-- > 0;) {
      if (seen[i] == sector) return;
    }
    seen[count++] = sector;
  });
  if (launch_.counts_all) counts_.instruction_counts[warp.at - 1].sectors += count;
  return count;
}

Counts RunLaunch(const Launch& launch, DeviceMemory& memory, std::uint64_t& stretch) {
  Counts counts;
  try {
    if (launch.counts_all) counts.instruction_counts.resize(launch.kernel->instructions.size());
    Block block(launch, memory, stretch, counts);
    for (std::uint32_t y = 0; y < launch.blocks.y; ++y) {
      for (std::uint32_t x = 0; x < launch.blocks.x; ++x)
        block.Run(x, y);
    }
  } catch (const DeviceFault& fault) {
    throw DeviceFault(BodyOf(launch.kernel->name) + ": " + fault.what());
  }
  return counts;
}

std::string BodyOf(const std::string& kernel) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(kernel.c_str(), nullptr, nullptr, &status), std::free);
  if (name == nullptr) return kernel;
  std::string text = name.get();
  for (const char* noise : {"(anonymous namespace)::", "ddl::", "void ", "RunBody"}) {
    for (std::size_t at = text.find(noise); at != std::string::npos; at = text.find(noise)) {
      text.erase(at, std::strlen(noise));
    }
  }
  if (!text.starts_with('<')) return text.substr(0, text.find('('));
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '<' ? 1 : 0;
    depth -= text[i] == '>' ? 1 : 0;
    if (depth == 0) return text.substr(1, i - 1);
  }
  return text;
}

}  // namespace ddl::emulator
