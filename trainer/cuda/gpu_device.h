// SPDX-License-Identifier: Apache-2.0
// A device that runs programs of operations over lanes. There are two: a GPU through libddl_cuda
// (cuda_library.h), and in tests a host that runs the same bodies as loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "configs/error.h"
#include "trainer/cuda/operation.h"

namespace ddl {

// The device has too little memory left; what it holds already is whole.
class GpuMemoryError : public Error {
 public:
  using Error::Error;
};

// The device or its driver failed: nothing that was on it is of use any more, and no session of
// this process will work again.
class GpuFault : public Error {
 public:
  using Error::Error;
};

// Of one thread at a time. Throws GpuFault and GpuMemoryError.
class GpuDevice {
 public:
  GpuDevice() = default;
  GpuDevice(const GpuDevice&) = delete;
  GpuDevice& operator=(const GpuDevice&) = delete;
  virtual ~GpuDevice() = default;

  // Zeroed, aligned to 256 bytes, free with the device.
  [[nodiscard]] virtual void* Allocate(std::size_t bytes) = 0;
  // Of the host, free with the device: the fastest to upload from.
  [[nodiscard]] virtual void* AllocateStaging(std::size_t bytes) = 0;
  // In order with all that was launched. `from` is free again on return, but for staging memory,
  // which is free after the next Download or Wait.
  virtual void Upload(void* to, const void* from, std::size_t bytes) = 0;
  // Waits for all that was launched.
  virtual void Download(void* to, const void* from, std::size_t bytes) = 0;
  // Runs the operations once, so what they read must be in place; gives the program's number.
  [[nodiscard]] virtual std::size_t Compile(std::span<const Operation> operations,
                                            std::uint32_t lanes) = 0;
  // Returns at once.
  virtual void Launch(std::size_t program, std::size_t times) = 0;
  virtual void Wait() = 0;
};

// Device memory of one type, that the device owns.
template <class Element>
[[nodiscard]] Element* AllocateOn(GpuDevice& device, std::size_t count) {
  return static_cast<Element*>(device.Allocate(count * sizeof(Element)));
}

template <class Element>
void UploadTo(GpuDevice& device, Element* to, std::span<const Element> from) {
  if (!from.empty()) device.Upload(to, from.data(), from.size_bytes());
}

}  // namespace ddl
