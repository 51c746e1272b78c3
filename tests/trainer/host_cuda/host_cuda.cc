// SPDX-License-Identifier: Apache-2.0
// A libddl_cuda without a GPU: one device made of loops, so that all that lies around a GPU runs
// for real, from a sweep to a lane. DDL_HOST_GPU_BREAKS=N: the device fails for good at the Nth
// launch of this process; DDL_HOST_GPU_FREE_MIB tells how much memory is free.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <variant>
#include <vector>

#include <unistd.h>

#include "tests/trainer/host_device.h"
#include "trainer/cuda/interface.h"

namespace ddl {

struct CudaSession {
  HostDevice device;
};

namespace {

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

template <std::size_t... kKinds>
Operation ReadOperation(const CudaOperation& told, std::index_sequence<kKinds...> /*kinds*/) {
  Operation operation;
  const auto read = [&]<std::size_t kKind>() {
    if (told.kind != kKind) return;
    using Body = std::variant_alternative_t<kKind, Operation>;
    operation = *static_cast<const Body*>(told.body);
  };
  (read.template operator()<kKinds>(), ...);
  return operation;
}

std::uint64_t FreeBytes() {
  return Number("DDL_HOST_GPU_FREE_MIB", 4096) << 20U;
}

int CountDevices(int* count, CudaFault* /*fault*/) {
  *count = 1;
  return kCudaDone;
}

int Describe(int /*device*/, CudaDeviceFacts* facts, CudaFault* /*fault*/) {
  *facts = {};
  std::snprintf(facts->name, sizeof facts->name, "Loops");
  facts->major = 9;
  facts->processors = 1;
  facts->driver = 13000;
  facts->runtime = 13000;
  facts->products = 130000;
  facts->total_bytes = std::uint64_t{4} << 30U;
  facts->free_bytes = FreeBytes();
  return kCudaDone;
}

int Open(int /*device*/, CudaSession** session, CudaFault* /*fault*/) {
  *session = std::make_unique<CudaSession>().release();
  return kCudaDone;
}

void Close(CudaSession* session) {
  const std::unique_ptr<CudaSession> owned(session);
}

int Allocate(CudaSession* session, std::size_t bytes, void** at, CudaFault* fault) {
  if (bytes > FreeBytes()) {
    std::snprintf(fault->text, sizeof fault->text, "the loops have less memory");
    return kCudaOutOfMemory;
  }
  *at = session->device.Allocate(bytes);
  return kCudaDone;
}

int AllocateStaging(CudaSession* session, std::size_t bytes, void** at, CudaFault* /*fault*/) {
  *at = session->device.AllocateStaging(bytes);
  return kCudaDone;
}

int Upload(CudaSession* session, void* to, const void* from, std::size_t bytes,
           CudaFault* /*fault*/) {
  session->device.Upload(to, from, bytes);
  return kCudaDone;
}

int Download(CudaSession* session, void* to, const void* from, std::size_t bytes,
             CudaFault* /*fault*/) {
  session->device.Download(to, from, bytes);
  return kCudaDone;
}

int Compile(CudaSession* session, const CudaOperation* operations, std::size_t count,
            std::uint32_t lanes, std::size_t* program, CudaFault* /*fault*/) {
  std::vector<Operation> read;
  for (std::size_t i = 0; i < count; ++i)
    read.push_back(
        ReadOperation(operations[i], std::make_index_sequence<std::variant_size_v<Operation>>()));
  *program = session->device.Compile(read, lanes);
  return kCudaDone;
}

int Launch(CudaSession* session, std::size_t program, std::size_t times, CudaFault* fault) {
  constexpr int kGoodLaunches = 2;
  static std::atomic<int> launches = 0;
  static std::atomic<bool> is_broken = false;
  const char* file = std::getenv("DDL_HOST_GPU_BREAKS");
  if (file != nullptr && launches++ == kGoodLaunches && ::unlink(file) == 0) is_broken = true;
  if (is_broken) {
    std::snprintf(fault->text, sizeof fault->text, "the loops fell off the bus");
    return kCudaFailed;
  }
  session->device.Launch(program, times);
  return kCudaDone;
}

int Wait(CudaSession* /*session*/, CudaFault* /*fault*/) {
  return kCudaDone;
}

constexpr CudaInterface kInterface{kCudaInterfaceVersion,
                                   static_cast<std::uint32_t>(std::variant_size_v<Operation>),
                                   CountDevices,
                                   Describe,
                                   Open,
                                   Close,
                                   Allocate,
                                   AllocateStaging,
                                   Upload,
                                   Download,
                                   Compile,
                                   Launch,
                                   Wait};

}  // namespace

}  // namespace ddl

extern "C" __attribute__((visibility("default"))) const ddl::CudaInterface* DdlCudaInterface(
    std::uint32_t version) {
  return version == ddl::kCudaInterfaceVersion ? &ddl::kInterface : nullptr;
}
