// SPDX-License-Identifier: Apache-2.0
// The one GPU that is emulated: its memory, its kernels, its streams. What is enqueued runs at
// once; what is captured runs with its graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <cuda_runtime.h>

#include "tests/emulator/block.h"
#include "tests/emulator/device_memory.h"
#include "tests/emulator/ptx.h"
#include "tests/emulator/report.h"

namespace ddl::emulator {

using Work = std::function<cudaError_t()>;

// cudaStream_t and cudaGraph_t, cudaGraphExec_t point to these.
struct Graph {
  std::vector<Work> works;
};
struct Stream {
  std::unique_ptr<Graph> captured;  // while it is captured
};

// A kernel by the address that the host knows it by.
struct HostKernel {
  const Module* module = nullptr;
  const Kernel* kernel = nullptr;
  int most_asked_for = 48 << 10;  // bytes of shared memory
};

class Gpu {
 public:
  // DDL_EMULATOR_REPORT names a file for what all launches came to, written at the end.
  Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;
  ~Gpu();

  [[nodiscard]] static Gpu& Get();

  // Calls of all sessions come one after the other.
  std::recursive_mutex doors;
  DeviceMemory memory;
  std::map<const void*, HostKernel> kernels;

  // Throws std::runtime_error.
  [[nodiscard]] const Module& Load(std::string_view ptx);

  [[nodiscard]] cudaError_t Enqueue(cudaStream_t stream, Work work);
  [[nodiscard]] cudaError_t Run(const Launch& launch);
  // After a fault every call fails, as on a GPU.
  [[nodiscard]] cudaError_t Status() const { return fault_; }
  [[nodiscard]] cudaError_t Fault(cudaError_t code, const std::string& text);
  [[nodiscard]] bool Reports() const { return report_ != nullptr; }
  // The code of the last call that failed, once.
  [[nodiscard]] cudaError_t TakeError();
  [[nodiscard]] cudaError_t Say(cudaError_t code);

 private:
  const char* report_;  // null: none
  std::vector<std::unique_ptr<Module>> modules_;
  std::uint64_t stretch_ = 0;
  cudaError_t fault_ = cudaSuccess;
  cudaError_t last_ = cudaSuccess;
  KernelTotals totals_;
};

}  // namespace ddl::emulator
