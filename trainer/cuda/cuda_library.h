// SPDX-License-Identifier: Apache-2.0
// libddl_cuda, loaded when it is asked for: the GPUs of this machine, and devices that run on them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "trainer/cuda/gpu_device.h"
#include "trainer/cuda/interface.h"

namespace ddl {

struct CudaGpuFacts {
  std::string name;
  std::string uuid;  // "GPU-5a3c…", as nvidia-smi tells it
  int major = 0;     // compute capability
  int minor = 0;
  int processors = 0;
  int driver = 0;    // newest CUDA version that the driver serves: 13000
  int products = 0;  // version of cuBLASLt: 130100
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

// Below it libddl_cuda has no code: Ampere.
inline constexpr int kLeastGpuMajor = 8;

class CudaLibrary {
 public:
  // Throws Error that says which of file, CUDA libraries and version is missing.
  explicit CudaLibrary(const std::filesystem::path& path);

  // The GPUs that CUDA_VISIBLE_DEVICES leaves. Throws Error without a driver or without any GPU.
  [[nodiscard]] std::vector<CudaGpuFacts> Devices() const;
  // One of them by its place there. What is not asked about is not touched: to tell of a GPU takes
  // some of its memory for as long as this process lives. Throws Error as Devices does.
  [[nodiscard]] CudaGpuFacts Device(std::size_t number) const;
  // By its place in that list. Outlives the library object. Throws Error for a GPU that is too old.
  [[nodiscard]] std::unique_ptr<GpuDevice> Open(std::size_t number) const;

 private:
  [[nodiscard]] std::size_t Count() const;

  const CudaInterface* calls_;  // of a library that stays loaded
};

// Beside this program.
[[nodiscard]] std::filesystem::path CudaLibraryPath();

}  // namespace ddl
