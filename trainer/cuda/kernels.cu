// SPDX-License-Identifier: Apache-2.0
// A kernel of each body, and its launch.
#include <array>
#include <utility>
#include <variant>

#include "trainer/cuda/launch.h"

namespace ddl {

namespace {

// More of it has to be asked for at the launch.
constexpr std::size_t kMostStaticBytes = std::size_t{48} << 10U;
template <class Body>
constexpr bool kAsksForShared = Body::kSharedBytes > kMostStaticBytes;

template <class Body>
__device__ __forceinline__ unsigned char* SharedOf() {
  if constexpr (kAsksForShared<Body>) {
    extern __shared__ uint4 asked_for[];
    return reinterpret_cast<unsigned char*>(asked_for);
  } else {
    constexpr std::size_t kLeast = 16;
    constexpr std::size_t kBytes = Body::kSharedBytes > kLeast ? Body::kSharedBytes : kLeast;
    alignas(16) __shared__ unsigned char own[kBytes];
    return own;
  }
}

// Blocks that a processor has room for at least: the compiler uses no more registers than that.
template <class Body>
constexpr std::uint32_t LeastBlocks() {
  if constexpr (requires { Body::kLeastBlocks; }) {
    return Body::kLeastBlocks;
  } else {
    return 1;
  }
}

template <class Body>
__global__ void __launch_bounds__(Body::kThreads, LeastBlocks<Body>()) RunBody(const Body body) {
  unsigned char* shared = SharedOf<Body>();
  const ThreadPlace place{blockIdx.x, blockIdx.y, threadIdx.x};
  if constexpr (HasState<Body>) {
    typename Body::State state{};
    StartState(body, place, state);
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
  constexpr std::size_t kAskedFor = kAsksForShared<Body> ? Body::kSharedBytes : 0;
  if constexpr (kAskedFor > 0) {
    const cudaError_t refused = cudaFuncSetAttribute(
        RunBody<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize, int{kAskedFor});
    if (refused != cudaSuccess) return refused;
  }
  RunBody<Body><<<dim3(own.blocks, lanes), Body::kThreads, kAskedFor, stream>>>(own);
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

cudaError_t LaunchBias(const LaneProduct& product, std::uint32_t lanes, cudaStream_t stream) {
  const std::size_t numbers = product.rows * product.out.stride;
  const LaneNumbers out(product.out.offset, product.out.is_bfloat16);
  const BiasActivateBody body{.blocks = BlocksFor(numbers / kFour, BiasActivateBody::kThreads),
                              .arena = product.arena,
                              .bias = product.bias,
                              .pre = out,
                              .out = out,
                              .rows = static_cast<std::uint32_t>(product.rows),
                              .stride = static_cast<std::uint32_t>(product.out.stride)};
  return LaunchBody<BiasActivateBody>(&body, lanes, stream);
}

cudaError_t LaunchKernel(const CudaOperation& operation, std::uint32_t lanes, cudaStream_t stream) {
  return kLaunchers[operation.kind].launch(operation.body, lanes, stream);
}

}  // namespace ddl
