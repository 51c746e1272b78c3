// SPDX-License-Identifier: Apache-2.0
// The line between ddl-trainer and libddl_cuda: C calls and plain data. The trainer is linked to no
// CUDA library; it loads this one at run time, when a GPU is asked for (cuda_library.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ddl {

// Raised with every change of this file, of operation.h or of a body: both sides then refuse each
// other by name instead of misreading each other.
inline constexpr std::uint32_t kCudaInterfaceVersion = 14;

inline constexpr int kCudaDone = 0;
inline constexpr int kCudaOutOfMemory = 1;  // the session is good for less
inline constexpr int kCudaFailed = 2;       // the session is good for nothing but Close
inline constexpr int kCudaRefused = 3;      // the session is good, but not for what was asked

// What a session takes for products beside the matrices: as much as cuBLASLt's kernels for recent
// GPUs ask for at most.
inline constexpr std::size_t kCudaWorkspaceBytes = std::size_t{32} << 20U;

// What went wrong in the last call that did not give kCudaDone.
struct CudaFault {
  char text[512];
};

struct CudaDeviceFacts {
  char name[256];
  unsigned char uuid[16];
  int major;  // compute capability
  int minor;
  int processors;  // streaming multiprocessors
  int driver;      // newest CUDA version that the driver serves: 13000
  int runtime;     // of this library
  int products;    // version of cuBLASLt: 130100
  std::uint64_t total_bytes;
  std::uint64_t free_bytes;
};

// An operation by its place in ddl::Operation's list; the size guards against another layout.
struct CudaOperation {
  std::uint32_t kind;
  std::uint32_t bytes;
  const void* body;
};

// One device, one stream, all memory that was allocated in it.
struct CudaSession;

// Calls of one session come from one thread at a time.
struct CudaInterface {
  std::uint32_t version;
  std::uint32_t operation_kinds;
  int (*count_devices)(int* count, CudaFault* fault);
  int (*describe)(int device, CudaDeviceFacts* facts, CudaFault* fault);
  int (*open)(int device, CudaSession** session, CudaFault* fault);
  void (*close)(CudaSession* session);
  // Zeroed, aligned to 256 bytes, free with the session.
  int (*allocate)(CudaSession* session, std::size_t bytes, void** at, CudaFault* fault);
  // Of the host, not zeroed, free with the session: what is uploaded from it needs no copy.
  int (*allocate_staging)(CudaSession* session, std::size_t bytes, void** at, CudaFault* fault);
  // In order with all that was launched; `from` is free again on return, but for staging memory,
  // which is free after the next download or wait.
  int (*upload)(CudaSession* session, void* to, const void* from, std::size_t bytes,
                CudaFault* fault);
  // Waits for all that was launched.
  int (*download)(CudaSession* session, void* to, const void* from, std::size_t bytes,
                  CudaFault* fault);
  // Runs the operations once, then captures them into a graph; programs are numbered 0, 1, …
  int (*compile)(CudaSession* session, const CudaOperation* operations, std::size_t count,
                 std::uint32_t lanes, std::size_t* program, CudaFault* fault);
  // Enqueues a program so many times and returns.
  int (*launch)(CudaSession* session, std::size_t program, std::size_t times, CudaFault* fault);
  int (*wait)(CudaSession* session, CudaFault* fault);
};

// Null for any other version.
using CudaInterfaceEntry = const CudaInterface* (*)(std::uint32_t version);
inline constexpr const char* kCudaInterfaceEntry = "DdlCudaInterface";

}  // namespace ddl
