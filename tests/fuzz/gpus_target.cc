// SPDX-License-Identifier: Apache-2.0
// What nvidia-smi may say: GPUs numbered from 0, each with a name of its own. The text before a NUL
// is the list of GPUs, that after it the list of processes.
#include "runner/gpus.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace ddl;
  std::string_view rest = AsText(bytes, size);
  const std::string_view gpus = TakePiece(rest, std::min(rest.find('\0'), rest.size()));
  (void)TakeByte(rest);
  const GpuDiscovery found = ParseGpus(gpus, rest, [](std::int64_t pid) { return pid % 2 == 0; });
  int index = 0;
  std::size_t lines = 1;
  for (const char c : gpus)
    lines += c == '\n' ? 1 : 0;
  Promise(found.gpus.size() <= lines, "one GPU a line");
  for (const GpuFacts& gpu : found.gpus) {
    Promise(gpu.index == index++, "GPUs are numbered from 0");
    Promise(gpu.uuid.starts_with("GPU-") && gpu.uuid.find('\n') == std::string::npos, "a uuid");
    Promise(gpu.memory_mib >= 0 && gpu.memory_used_mib >= 0, "memory is no debt");
    for (const GpuFacts& other : found.gpus)
      Promise(&other == &gpu || other.uuid != gpu.uuid, "a GPU is listed once");
  }
  return 0;
}
