// SPDX-License-Identifier: Apache-2.0
// A kernel of each body, and its launch.
#include <array>
#include <utility>
#include <variant>

#include "trainer/cuda/launch.h"

namespace ddl {

namespace {

template <class Body>
__global__ void __launch_bounds__(Body::kThreads) RunBody(const Body body) {
  constexpr std::size_t kLeast = 16;
  constexpr std::size_t kBytes = Body::kSharedBytes > kLeast ? Body::kSharedBytes : kLeast;
  alignas(16) __shared__ unsigned char shared[kBytes];
  const ThreadPlace place{blockIdx.x, blockIdx.y, threadIdx.x};
  if constexpr (HasState<Body>) {
    typename Body::State state{};
    const std::uint32_t phases = body.Phases(place);
    for (std::uint32_t phase = 0; phase < phases; ++phase) {
      if (phase > 0) __syncthreads();
      body.Run(phase, place, shared, state);
    }
  } else {
#pragma unroll
    for (std::uint32_t phase = 0; phase < Body::kPhases; ++phase) {
      if (phase > 0) __syncthreads();
      body.Run(phase, place, shared);
    }
  }
}

template <class Body>
cudaError_t LaunchBody(const void* body, std::uint32_t lanes, cudaStream_t stream) {
  const Body& own = *static_cast<const Body*>(body);
  RunBody<Body><<<dim3(own.blocks, lanes), Body::kThreads, 0, stream>>>(own);
  return cudaGetLastError();
}

struct Launcher {
  std::size_t bytes = 0;
  cudaError_t (*launch)(const void*, std::uint32_t, cudaStream_t) = nullptr;  // null: a product
};

template <class Kind>
constexpr Launcher LauncherOf() {
  if constexpr (std::is_same_v<Kind, LaneProduct>) {
    return {sizeof(Kind), nullptr};
  } else {
    return {sizeof(Kind), &LaunchBody<Kind>};
  }
}

template <std::size_t... kKinds>
constexpr auto LaunchersOf(std::index_sequence<kKinds...> /*kinds*/) {
  return std::array{LauncherOf<std::variant_alternative_t<kKinds, Operation>>()...};
}

const auto kLaunchers = LaunchersOf(std::make_index_sequence<kOperationKinds>());

}  // namespace

bool IsKnown(const CudaOperation& operation) {
  return operation.kind < kLaunchers.size() && operation.bytes == kLaunchers[operation.kind].bytes;
}

bool IsProduct(const CudaOperation& operation) {
  return kLaunchers[operation.kind].launch == nullptr;
}

cudaError_t LaunchKernel(const CudaOperation& operation, std::uint32_t lanes, cudaStream_t stream) {
  return kLaunchers[operation.kind].launch(operation.body, lanes, stream);
}

}  // namespace ddl
