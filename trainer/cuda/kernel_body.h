// SPDX-License-Identifier: Apache-2.0
// A kernel is a *body*: plain data, and what one thread does with it. nvcc makes kernels of bodies
// (kernels.cu); tests run the same bodies as loops over blocks, lanes and threads.
//
// A body has
//   kThreads      of a block
//   kPhases       parts between which all threads of a block wait for each other
//   kSharedBytes  that a block's threads share, aligned to 16 bytes
//   kLeastBlocks  that a processor of a GPU is to have room for at once; may be left out
//   blocks        for each lane
//   Run(phase, place, shared)
// or, where the number of phases is a matter of the block and a thread keeps numbers between them,
// in the place of kPhases and Run
//   State                    of a thread, zero at first
//   Phases(place)            the same for all threads of a block
//   Run(phase, place, shared, state)
//   Start(place, state)      before the first phase; may be left out
// Within a phase no thread reads what another one writes, so that their order does not matter.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trainer/clones.h"

namespace ddl {

struct ThreadPlace {
  std::uint32_t block = 0;  // of the lane's
  std::uint32_t lane = 0;
  std::uint32_t thread = 0;  // of the block's
};

template <class Body>
concept HasState = requires { typename Body::State; };
template <HasState Body>
DDL_INLINE void StartState(const Body& body, const ThreadPlace& at, typename Body::State& state) {
  if constexpr (requires { body.Start(at, state); }) body.Start(at, state);
}

// Floats side by side, read and written at once.
struct alignas(8) TwoFloats {
  float at[2];
};
struct alignas(16) FourFloats {
  float at[4];
};

inline constexpr std::uint32_t kFour = 4;

// An address in the GPU's memory that is found once: the compiler would rather compute it anew
// wherever it is used.
template <class Number>
[[nodiscard]] DDL_INLINE Number* FoundOnce(Number* at) {
#if defined(__CUDA_ARCH__)
  std::size_t same = 0;
  asm("mov.b64 %0, %1;" : "=l"(same) : "l"(__cvta_generic_to_global(at)));
  return static_cast<Number*>(__cvta_global_to_generic(same));
#else
  return at;
#endif
}

// The same of a number.
[[nodiscard]] DDL_INLINE std::uint32_t FoundOnce(std::uint32_t number) {
#if defined(__CUDA_ARCH__)
  std::uint32_t same = 0;
  asm("mov.b32 %0, %1;" : "=r"(same) : "r"(number));
  return same;
#else
  return number;
#endif
}

// In one instruction, which the compiler does not always see that it can.
template <class Floats>
DDL_INLINE void StoreAtOnce(float* to, const Floats& floats) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(Floats) == sizeof(TwoFloats)) {
    asm volatile("st.global.v2.f32 [%0], {%1, %2};" ::"l"(__cvta_generic_to_global(to)),
                 "f"(floats.at[0]), "f"(floats.at[1])
                 : "memory");
  } else {
    static_assert(sizeof(Floats) == sizeof(FourFloats));
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)),
                 "f"(floats.at[0]), "f"(floats.at[1]), "f"(floats.at[2]), "f"(floats.at[3])
                 : "memory");
  }
#else
  *reinterpret_cast<Floats*>(to) = floats;
#endif
}

// The same in memory that a block's threads share.
DDL_INLINE void ShareAtOnce(float* to, const FourFloats& floats) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.shared.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(
                   static_cast<std::uint32_t>(__cvta_generic_to_shared(to))),
               "f"(floats.at[0]), "f"(floats.at[1]), "f"(floats.at[2]), "f"(floats.at[3])
               : "memory");
#else
  *reinterpret_cast<FourFloats*>(to) = floats;
#endif
}

// Blocks that cover `count` with `each` a block.
[[nodiscard]] constexpr std::uint32_t BlocksFor(std::size_t count, std::size_t each) {
  return static_cast<std::uint32_t>((count + each - 1) / each);
}

}  // namespace ddl
