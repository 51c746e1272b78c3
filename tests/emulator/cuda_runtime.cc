// SPDX-License-Identifier: Apache-2.0
// The calls of the CUDA runtime that libddl_cuda makes, for the emulated GPU. Everything runs in
// the call that enqueues it, so there is nothing to wait for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include <cuda_runtime.h>

#include "tests/emulator/gpu.h"

namespace ddl::emulator {

namespace {

using Guard = std::lock_guard<std::recursive_mutex>;

struct Configuration {
  dim3 blocks;
  dim3 threads;
  std::size_t asked_for = 0;
  cudaStream_t stream = nullptr;
};
thread_local Configuration t_configuration;

// What nvcc lays into a program: a wrapper, a header, entries, of which the first kind is PTX.
struct FatBinary {
  std::uint32_t magic;
  std::uint32_t version;
  const void* data;
  void* name;
};
struct FatHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;
};
struct FatEntry {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;
};
constexpr std::uint16_t kPtx = 1;

std::string_view PtxOf(const FatBinary& binary) {
  const auto* at = static_cast<const std::byte*>(binary.data);
  FatHeader header{};
  std::memcpy(&header, at, sizeof header);
  const std::byte* end = at + header.header_bytes + header.bytes;
  for (at += header.header_bytes; at < end;) {
    FatEntry entry{};
    std::memcpy(&entry, at, sizeof entry);
    const auto* text = reinterpret_cast<const char*>(at + entry.header_bytes);
    if (entry.kind == kPtx) return {text, ::strnlen(text, entry.bytes)};
    at += entry.header_bytes + entry.bytes;
  }
  return {};
}

cudaError_t LaunchKernel(const HostKernel& host, dim3 blocks, dim3 threads, void** arguments,
                         std::size_t asked_for, cudaStream_t stream) {
  Gpu& gpu = Gpu::Get();
  const Kernel& kernel = *host.kernel;
  constexpr std::uint32_t kMostRows = 65535;
  if (threads.x == 0 || threads.x > kernel.most_threads || threads.y != 1 || threads.z != 1 ||
      blocks.x == 0 || blocks.y == 0 || blocks.y > kMostRows || blocks.z != 1) {
    return gpu.Say(cudaErrorInvalidConfiguration);
  }
  if (kernel.shared_bytes + asked_for > static_cast<std::size_t>(host.most_asked_for)) {
    return gpu.Say(cudaErrorInvalidValue);
  }
  Launch launch;
  launch.module = host.module;
  launch.kernel = &kernel;
  launch.blocks = {blocks.x, blocks.y};
  launch.threads = threads.x;
  launch.asked_for = asked_for;
  launch.counts_all = gpu.Reports();
  launch.parameters.resize(kernel.parameter_bytes);
  std::memcpy(launch.parameters.data(), arguments[0], launch.parameters.size());
  return gpu.Enqueue(stream, [&gpu, launch = std::move(launch)] { return gpu.Run(launch); });
}

Graph* Own(cudaGraph_t graph) {
  return reinterpret_cast<Graph*>(graph);
}
Graph* Own(cudaGraphExec_t graph) {
  return reinterpret_cast<Graph*>(graph);
}
Stream* Own(cudaStream_t stream) {
  return reinterpret_cast<Stream*>(stream);
}

}  // namespace

}  // namespace ddl::emulator

using namespace ddl::emulator;

extern "C" {

void** __cudaRegisterFatBinary(void* binary) {
  const Guard guard(Gpu::Get().doors);
  const std::string_view ptx = PtxOf(*static_cast<const FatBinary*>(binary));
  if (ptx.empty()) return nullptr;  // of sources without kernels
  const Module& module = Gpu::Get().Load(ptx);
  return reinterpret_cast<void**>(const_cast<Module*>(&module));
}

void __cudaRegisterFatBinaryEnd(void** /*module*/) {}
void __cudaUnregisterFatBinary(void** /*module*/) {}

void __cudaRegisterFunction(void** module, const char* host, char* /*device*/, const char* name,
                            int /*threads*/, uint3* /*tid*/, uint3* /*bid*/, dim3* /*block*/,
                            dim3* /*grid*/, int* /*warp*/) {
  const Guard guard(Gpu::Get().doors);
  const auto* own = reinterpret_cast<const Module*>(module);
  Gpu::Get().kernels[host] = {own, &own->kernels.at(name)};
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host) {
  const Guard guard(Gpu::Get().doors);
  auto known = Gpu::Get().kernels.find(host);
  if (known == Gpu::Get().kernels.end()) return Gpu::Get().Say(cudaErrorInvalidDeviceFunction);
  *kernel = reinterpret_cast<cudaKernel_t>(&known->second);
  return cudaSuccess;
}

unsigned __cudaPushCallConfiguration(dim3 blocks, dim3 threads, size_t asked_for,
                                     CUstream_st* stream) {
  t_configuration = {blocks, threads, asked_for, stream};
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* blocks, dim3* threads, size_t* asked_for,
                                       void* stream) {
  *blocks = t_configuration.blocks;
  *threads = t_configuration.threads;
  *asked_for = t_configuration.asked_for;
  *static_cast<cudaStream_t*>(stream) = t_configuration.stream;
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 blocks, dim3 threads, void** arguments,
                               size_t asked_for, cudaStream_t stream) {
  const Guard guard(Gpu::Get().doors);
  return LaunchKernel(*reinterpret_cast<const HostKernel*>(kernel), blocks, threads, arguments,
                      asked_for, stream);
}

cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute attribute, int value) {
  const Guard guard(Gpu::Get().doors);
  auto known = Gpu::Get().kernels.find(host);
  if (known == Gpu::Get().kernels.end()) return Gpu::Get().Say(cudaErrorInvalidDeviceFunction);
  constexpr int kMost = 99 << 10;  // of the smallest of those that are compiled for
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value > kMost) {
    return Gpu::Get().Say(cudaErrorInvalidValue);
  }
  known->second.most_asked_for = value;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return device == 0 ? Gpu::Get().Status() : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int /*device*/) {
  constexpr std::string_view kName = "emulated GPU";
  *properties = {};
  kName.copy(properties->name, kName.size());
  std::memset(properties->uuid.bytes, 'e', sizeof properties->uuid.bytes);
  properties->major = 8;
  properties->minor = 0;
  properties->multiProcessorCount = 108;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Guard guard(Gpu::Get().doors);
  *free = Gpu::Get().memory.FreeBytes();
  *total = Gpu::Get().memory.Bytes();
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorLaunchFailure:
      return "a kernel failed, as the emulated GPU has said";
    case cudaErrorInvalidConfiguration:
      return "more threads or blocks than a GPU takes";
    default:
      return "refused by the emulated GPU";
  }
}

cudaError_t cudaGetLastError() {
  const Guard guard(Gpu::Get().doors);
  return Gpu::Get().TakeError();
}

cudaError_t cudaMalloc(void** at, size_t bytes) {
  const Guard guard(Gpu::Get().doors);
  *at = Gpu::Get().memory.Allocate(bytes);
  return *at != nullptr ? cudaSuccess : Gpu::Get().Say(cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void* at) {
  const Guard guard(Gpu::Get().doors);
  if (at == nullptr || Gpu::Get().memory.Free(at)) return cudaSuccess;
  return Gpu::Get().Say(cudaErrorInvalidValue);
}

cudaError_t cudaMallocHost(void** at, size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  *at = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  return *at != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void* at) {
  std::free(at);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* at, int value, size_t bytes, cudaStream_t stream) {
  const Guard guard(Gpu::Get().doors);
  Gpu& gpu = Gpu::Get();
  if (!gpu.memory.Holds(at, bytes)) return gpu.Say(cudaErrorInvalidValue);
  return gpu.Enqueue(stream, [=] {
    std::memset(at, value, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Guard guard(Gpu::Get().doors);
  Gpu& gpu = Gpu::Get();
  const void* device = kind == cudaMemcpyHostToDevice ? to : from;
  if (!gpu.memory.Holds(device, bytes)) return gpu.Say(cudaErrorInvalidValue);
  return gpu.Enqueue(stream, [=] {
    std::memcpy(to, from, bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  *stream = reinterpret_cast<cudaStream_t>(new Stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete Own(stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Guard guard(Gpu::Get().doors);
  if (Own(stream)->captured != nullptr) {
    return Gpu::Get().Say(cudaErrorStreamCaptureUnsupported);
  }
  return Gpu::Get().Status();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode /*mode*/) {
  if (Own(stream)->captured != nullptr) return cudaErrorIllegalState;
  Own(stream)->captured = std::make_unique<Graph>();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  if (Own(stream)->captured == nullptr) return cudaErrorIllegalState;
  *graph = reinterpret_cast<cudaGraph_t>(Own(stream)->captured.release());
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* run, cudaGraph_t graph,
                                 unsigned long long /*flags*/) {
  *run = reinterpret_cast<cudaGraphExec_t>(new Graph(*Own(graph)));
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t run, cudaStream_t stream) {
  const Guard guard(Gpu::Get().doors);
  for (const Work& work : Own(run)->works) {
    const cudaError_t status = Gpu::Get().Enqueue(stream, work);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete Own(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t run) {
  delete Own(run);
  return cudaSuccess;
}

}  // extern "C"
