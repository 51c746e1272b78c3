// SPDX-License-Identifier: Apache-2.0
// What all launches of a process came to, as JSON: of each kernel, and of each line of its source.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "tests/emulator/block.h"
#include "tests/emulator/ptx.h"

namespace ddl::emulator {

struct KernelTotal {
  const Module* module = nullptr;
  const Kernel* kernel = nullptr;
  std::uint64_t launches = 0;
  Counts counts;
};
using KernelTotals = std::map<std::string, KernelTotal>;  // by the kernel's body

// {"kernels": {"GatherBody<float>": {"launches": 3, "instructions": …, "lines":
// {"gather_body.h:42":
// {"times": …, "sectors": …, "waves": …}, …}}, …}}. A file that cannot be written is left out.
void WriteReport(const std::filesystem::path& path, const KernelTotals& totals);

}  // namespace ddl::emulator
