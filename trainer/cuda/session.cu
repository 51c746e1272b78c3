// SPDX-License-Identifier: Apache-2.0
// The calls of interface.h: devices, memory, programs.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "trainer/cuda/launch.h"

namespace ddl {

namespace {

template <class Handle, auto kDestroy>
struct Destroy {
  using pointer = Handle;
  void operator()(Handle handle) const { (void)kDestroy(handle); }
};
using Stream = std::unique_ptr<cudaStream_t, Destroy<cudaStream_t, &cudaStreamDestroy>>;
using Graph = std::unique_ptr<cudaGraph_t, Destroy<cudaGraph_t, &cudaGraphDestroy>>;
using GraphRun = std::unique_ptr<cudaGraphExec_t, Destroy<cudaGraphExec_t, &cudaGraphExecDestroy>>;
using Memory =
    std::unique_ptr<void, Destroy<void*, static_cast<cudaError_t (*)(void*)>(&cudaFree)>>;
using PinnedMemory =
    std::unique_ptr<void, Destroy<void*, static_cast<cudaError_t (*)(void*)>(&cudaFreeHost)>>;
using Blas = std::unique_ptr<cublasLtHandle_t, Destroy<cublasLtHandle_t, &cublasLtDestroy>>;

struct Staging {
  PinnedMemory at;
  std::size_t bytes = 0;

  [[nodiscard]] bool Holds(const void* place) const {
    const auto* begin = static_cast<const std::byte*>(at.get());
    return !std::less{}(place, begin) && std::less{}(place, begin + bytes);
  }
};

struct Program {
  std::vector<std::unique_ptr<PinnedProduct>> products;  // in order; a graph refers to none of them
  GraphRun run;
};

// A failed call, on its way to the interface.
struct Failure {
  int code = kCudaFailed;
  std::string text;
};

// What a call says that nothing ran for: the context is as good as before.
int CodeOf(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return kCudaOutOfMemory;
    case cudaErrorInvalidValue:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorLaunchOutOfResources:
      return kCudaRefused;
    default:
      return kCudaFailed;
  }
}

int CodeOf(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED:
      return kCudaOutOfMemory;
    case CUBLAS_STATUS_INVALID_VALUE:
    case CUBLAS_STATUS_ARCH_MISMATCH:
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return kCudaRefused;
    default:
      return kCudaFailed;
  }
}

// The runtime keeps the code of a failed call for whoever asks next, which is the next kernel's
// launch: what is told here must not fail that one too.
void Need(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();
  throw Failure{CodeOf(status), std::string(what) + ": " + cudaGetErrorString(status)};
}

void Need(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Failure{CodeOf(status), std::string(what) + ": " + cublasLtGetStatusString(status)};
}

// Ends with its scope, so that a call that failed within it does not leave the stream in it.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    Need(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    if (stream_ == nullptr) return;
    Graph unfinished;
    (void)Take(unfinished);
    (void)cudaGetLastError();
  }
  Graph End() {
    Graph graph;
    Need(Take(graph), "capture");
    return graph;
  }

 private:
  cudaError_t Take(Graph& graph) {
    cudaGraph_t captured = nullptr;
    const cudaError_t status = cudaStreamEndCapture(std::exchange(stream_, nullptr), &captured);
    graph.reset(captured);
    return status;
  }

  cudaStream_t stream_;
};

}  // namespace

struct CudaSession {
  int device = 0;
  Stream stream;
  Blas blas;
  std::vector<Memory> memory;
  std::vector<Staging> staging;
  ProductWorkspace workspace;
  std::vector<Program> programs;
};

namespace {

Memory AllocateZeroed(std::size_t bytes, cudaStream_t stream) {
  void* at = nullptr;
  Need(cudaMalloc(&at, bytes), "memory of the GPU");
  Memory owned(at);
  Need(cudaMemsetAsync(at, 0, bytes, stream), "clearing memory of the GPU");
  return owned;
}

std::unique_ptr<CudaSession> OpenSession(int device) {
  Need(cudaSetDevice(device), "the GPU");
  auto session = std::make_unique<CudaSession>();
  session->device = device;
  cudaStream_t stream = nullptr;
  Need(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream");
  session->stream.reset(stream);
  cublasLtHandle_t blas = nullptr;
  Need(cublasLtCreate(&blas), "cuBLASLt");
  session->blas.reset(blas);
  session->memory.push_back(AllocateZeroed(kCudaWorkspaceBytes, stream));
  session->workspace = {session->memory.back().get(), kCudaWorkspaceBytes};
  return session;
}

void EnqueueAll(CudaSession& session, const Program& program, const CudaOperation* operations,
                std::size_t count, std::uint32_t lanes) {
  std::size_t product = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (IsProduct(operations[i])) {
      Need(program.products[product++]->Launch(session.blas.get(), session.stream.get()),
           "a product");
    } else {
      Need(LaunchKernel(operations[i], lanes, session.stream.get()), "a kernel");
    }
  }
}

// Once as it is, so that kernels are loaded before the capture, where loading is not allowed.
Program CompileProgram(CudaSession& session, const CudaOperation* operations, std::size_t count,
                       std::uint32_t lanes) {
  Program program;
  for (std::size_t i = 0; i < count; ++i) {
    if (!IsKnown(operations[i])) {
      throw Failure{kCudaRefused, "operation " + std::to_string(i + 1) + " is of another version"};
    }
    if (!IsProduct(operations[i])) continue;
    program.products.push_back(std::make_unique<PinnedProduct>());
    const std::string problem = program.products.back()->Prepare(
        session.blas.get(), *static_cast<const LaneProduct*>(operations[i].body), lanes,
        session.workspace);
    if (!problem.empty()) throw Failure{kCudaRefused, problem};
  }
  EnqueueAll(session, program, operations, count, lanes);
  Need(cudaStreamSynchronize(session.stream.get()), "the first step");
  Capture capture(session.stream.get());
  EnqueueAll(session, program, operations, count, lanes);
  const Graph graph = capture.End();
  cudaGraphExec_t run = nullptr;
  Need(cudaGraphInstantiate(&run, graph.get(), 0), "a graph");
  program.run.reset(run);
  return program;
}

// Runs `work` and turns what it throws into a code and a text.
template <class Work>
int Guarded(CudaFault* fault, Work work) {
  const auto tell = [fault](const char* text) {
    std::snprintf(fault->text, sizeof fault->text, "%s", text);
  };
  try {
    work();
    return kCudaDone;
  } catch (const Failure& failure) {
    tell(failure.text.c_str());
    return failure.code;
  } catch (const std::exception& problem) {
    tell(problem.what());
    return kCudaFailed;
  }
}

template <class Work>
int OnDevice(const CudaSession* session, CudaFault* fault, Work work) {
  return Guarded(fault, [&] {
    Need(cudaSetDevice(session->device), "the GPU");
    work();
  });
}

std::string VersionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// CUDA calls a missing driver one that is too old; here each is told as what it is.
int CountDevices(int* count, CudaFault* fault) {
  return Guarded(fault, [&] {
    int driver = 0;
    int runtime = 0;
    Need(cudaDriverGetVersion(&driver), "the driver's version");
    Need(cudaRuntimeGetVersion(&runtime), "the library's version");
    if (driver == 0) throw Failure{kCudaFailed, "no NVIDIA driver is loaded on this machine"};
    const cudaError_t status = cudaGetDeviceCount(count);
    if (status == cudaErrorInsufficientDriver) {
      throw Failure{kCudaFailed, "the NVIDIA driver serves CUDA " + VersionText(driver) +
                                     ", and libddl_cuda needs " + VersionText(runtime)};
    }
    Need(status, "no GPU can be used");
  });
}

int Describe(int device, CudaDeviceFacts* facts, CudaFault* fault) {
  return Guarded(fault, [&] {
    cudaDeviceProp properties{};
    Need(cudaGetDeviceProperties(&properties, device), "the GPU's properties");
    Need(cudaSetDevice(device), "the GPU");
    std::size_t free = 0;
    std::size_t total = 0;
    Need(cudaMemGetInfo(&free, &total), "the GPU's memory");
    *facts = {};
    std::snprintf(facts->name, sizeof facts->name, "%s", properties.name);
    std::memcpy(facts->uuid, properties.uuid.bytes, sizeof facts->uuid);
    facts->major = properties.major;
    facts->minor = properties.minor;
    facts->processors = properties.multiProcessorCount;
    Need(cudaDriverGetVersion(&facts->driver), "the driver's version");
    Need(cudaRuntimeGetVersion(&facts->runtime), "the library's version");
    facts->products = static_cast<int>(cublasLtGetVersion());
    facts->total_bytes = total;
    facts->free_bytes = free;
  });
}

int Open(int device, CudaSession** session, CudaFault* fault) {
  return Guarded(fault, [&] { *session = OpenSession(device).release(); });
}

// Waits for what runs: memory must not go before.
void Close(CudaSession* session) {
  const std::unique_ptr<CudaSession> owned(session);
  (void)cudaSetDevice(owned->device);
  (void)cudaStreamSynchronize(owned->stream.get());
}

int Allocate(CudaSession* session, std::size_t bytes, void** at, CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    session->memory.push_back(AllocateZeroed(bytes, session->stream.get()));
    *at = session->memory.back().get();
  });
}

int AllocateStaging(CudaSession* session, std::size_t bytes, void** at, CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    void* staging = nullptr;
    Need(cudaMallocHost(&staging, bytes), "memory of the host");
    session->staging.push_back({PinnedMemory(staging), bytes});
    *at = staging;
  });
}

// Memory that is not pinned may be read after the call has returned, by a stream that others do not
// wait for.
int Upload(CudaSession* session, void* to, const void* from, std::size_t bytes, CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    Need(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, session->stream.get()),
         "a copy to the GPU");
    const bool is_staged = std::any_of(session->staging.begin(), session->staging.end(),
                                       [from](const Staging& one) { return one.Holds(from); });
    if (!is_staged) Need(cudaStreamSynchronize(session->stream.get()), "a copy to the GPU");
  });
}

int Download(CudaSession* session, void* to, const void* from, std::size_t bytes,
             CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    Need(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, session->stream.get()),
         "a copy from the GPU");
    Need(cudaStreamSynchronize(session->stream.get()), "a copy from the GPU");
  });
}

int Compile(CudaSession* session, const CudaOperation* operations, std::size_t count,
            std::uint32_t lanes, std::size_t* program, CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    session->programs.push_back(CompileProgram(*session, operations, count, lanes));
    *program = session->programs.size() - 1;
  });
}

int Launch(CudaSession* session, std::size_t program, std::size_t times, CudaFault* fault) {
  return OnDevice(session, fault, [&] {
    for (std::size_t i = 0; i < times; ++i) {
      Need(cudaGraphLaunch(session->programs.at(program).run.get(), session->stream.get()),
           "a step");
    }
  });
}

int Wait(CudaSession* session, CudaFault* fault) {
  return OnDevice(session, fault,
                  [&] { Need(cudaStreamSynchronize(session->stream.get()), "a step"); });
}

constexpr CudaInterface kInterface{kCudaInterfaceVersion,
                                   static_cast<std::uint32_t>(kOperationKinds),
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
