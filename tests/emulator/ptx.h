// SPDX-License-Identifier: Apache-2.0
// Kernels as nvcc writes them in PTX, read into instructions that a warp can run. What is read is
// what kernels of this project are compiled to: an instruction that is not known is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/emulator/warp.h"

namespace ddl::emulator {

// What is filled in when a block starts.
enum class Special : std::uint8_t { kThread, kBlockX, kBlockY, kParameters };

struct Kernel {
  std::string name;
  std::size_t parameter_bytes = 0;
  std::size_t shared_bytes = 0;  // what is asked for at the launch comes behind
  std::uint32_t most_threads = 0;
  std::size_t register_bytes = 0;
  std::vector<Instruction> instructions;
  std::vector<std::byte> constants;  // the first registers
  std::map<Special, std::uint32_t> specials;
};

struct Global {
  std::unique_ptr<std::uint64_t[]> memory;  // zeroed
  std::size_t bytes = 0;
};

struct Module {
  std::map<std::string, Kernel, std::less<>> kernels;
  std::map<std::string, Global, std::less<>> globals;
  std::map<std::uint32_t, std::string> files;  // of sources
  std::string asked_for;                       // shared memory whose size is said at the launch

  // As "tile_body.h:120".
  [[nodiscard]] std::string SourceOf(const Instruction& instruction) const;
};

// Throws std::runtime_error with the line.
[[nodiscard]] Module ReadPtx(std::string_view text);

}  // namespace ddl::emulator
