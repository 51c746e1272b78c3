// SPDX-License-Identifier: Apache-2.0
// A device made of loops: the bodies of the kernels over blocks, lanes, phases and threads as a GPU
// runs them, products with sums in double. Threads of a phase may run in either order, which must
// not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "trainer/cuda/gpu_device.h"

namespace ddl {

enum class ThreadOrder : std::uint8_t { kUp, kDown };

void RunOnHost(const Operation& operation, std::uint32_t lanes,
               ThreadOrder order = ThreadOrder::kUp);

class HostDevice final : public GpuDevice {
 public:
  explicit HostDevice(ThreadOrder order = ThreadOrder::kUp) : order_(order) {}

  void* Allocate(std::size_t bytes) override;
  void* AllocateStaging(std::size_t bytes) override;
  void Upload(void* to, const void* from, std::size_t bytes) override;
  void Download(void* to, const void* from, std::size_t bytes) override;
  std::size_t Compile(std::span<const Operation> operations, std::uint32_t lanes) override;
  void Launch(std::size_t program, std::size_t times) override;
  void Wait() override {}

  [[nodiscard]] std::size_t AllocatedBytes() const { return bytes_; }
  [[nodiscard]] std::size_t Operations(std::size_t program) const {
    return programs_.at(program).operations.size();
  }

 private:
  struct alignas(256) Line {
    unsigned char bytes[256];
  };
  struct Program {
    std::vector<Operation> operations;
    std::uint32_t lanes = 0;
  };

  ThreadOrder order_;
  std::size_t bytes_ = 0;
  std::vector<std::vector<Line>> blocks_;
  std::vector<Program> programs_;
};

}  // namespace ddl
