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

// Floats side by side, read and written at once.
struct alignas(8) TwoFloats {
  float at[2];
};
struct alignas(16) FourFloats {
  float at[4];
};

inline constexpr std::uint32_t kFour = 4;

// Blocks that cover `count` with `each` a block.
[[nodiscard]] constexpr std::uint32_t BlocksFor(std::size_t count, std::size_t each) {
  return static_cast<std::uint32_t>((count + each - 1) / each);
}

}  // namespace ddl
