// SPDX-License-Identifier: Apache-2.0
// What plans run on in tests: the device of loops, or, where DDL_NEEDS_GPU is set, the GPU of the
// library at hand, which may be an emulated one (tests/emulator).
#pragma once

#include <cstdlib>
#include <memory>

#include "tests/trainer/gpu_at_hand.h"
#include "tests/trainer/host_device.h"

namespace ddl {

class TestedDevice final : public GpuDevice {
 public:
  // A GPU has no order of threads.
  explicit TestedDevice(ThreadOrder order = ThreadOrder::kUp) {
    if (std::getenv("DDL_NEEDS_GPU") != nullptr) {
      device_ = CudaLibrary(BuiltCudaLibrary()).Open(0);
    } else {
      device_ = std::make_unique<HostDevice>(order);
    }
  }

  void* Allocate(std::size_t bytes) override {
    bytes_ += bytes;
    return device_->Allocate(bytes);
  }
  void* AllocateStaging(std::size_t bytes) override { return device_->AllocateStaging(bytes); }
  void Upload(void* to, const void* from, std::size_t bytes) override {
    device_->Upload(to, from, bytes);
  }
  void Download(void* to, const void* from, std::size_t bytes) override {
    device_->Download(to, from, bytes);
  }
  std::size_t Compile(std::span<const Operation> operations, std::uint32_t lanes) override {
    return device_->Compile(operations, lanes);
  }
  void Launch(std::size_t program, std::size_t times) override { device_->Launch(program, times); }
  void Wait() override { device_->Wait(); }

  // Of the device, staging left out.
  [[nodiscard]] std::size_t AllocatedBytes() const { return bytes_; }

 private:
  std::unique_ptr<GpuDevice> device_;
  std::size_t bytes_ = 0;
};

}  // namespace ddl
